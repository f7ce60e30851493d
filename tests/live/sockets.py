"""Connections on which a test says what no client would."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.parts import ServerProcess

GET = b"GET %b HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/accounts/signup/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
#: Python has no name for it.
SO_ATTACH_FILTER = 26


@contextmanager
def connected(server: ServerProcess, *, window: int | None = None) -> Iterator[socket.socket]:
    """A connection on which a test says what it likes; it may take little at a time."""
    with socket.socket() as connection:
        if window:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", server.port))
        yield connection


def row_of(server: ServerProcess, connection: socket.socket) -> list[str]:
    """What the kernel says of the server's end of a connection (proc(5)); nothing if it is gone."""
    ends = (f":{server.port:04X}", f":{connection.getsockname()[1]:04X}")
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return next((row for row in rows if (row[1][-5:], row[2][-5:]) == ends), [])


def vanish(connection: socket.socket) -> None:
    """Lets no packet in any more, not even to confirm what has come: the client is gone.

    Its socket gets a filter of one instruction, "return 0" (socket(7); linux/filter.h).
    """
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(drop))
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def is_open(server: ServerProcess, connection: socket.socket) -> bool:
    """Whether the server has not closed its end."""
    return row_of(server, connection)[3:4] == ["01"]


def answer(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    data = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            data += piece
    return data


def complaints_of(server: ServerProcess) -> list[str]:
    """The lines of the log that say that something is wrong."""
    return [line for line in server.log.read_text().splitlines() if " INFO " not in line]
