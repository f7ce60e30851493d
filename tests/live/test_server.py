"""What our own server does with the connections of streams."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import uvicorn
from tests.parts import Person, ServerProcess
from tests.sse import EventReader

from livria_sse.server import server as our_server
from livria_sse.server.protocol import DetachingProtocol

STREAM = b"GET /sse/books/4/ HTTP/1.1\r\nHost: x\r\n\r\n"
OTHER = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests here."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as server:
        yield server


@contextmanager
def connection(server: ServerProcess) -> Iterator[socket.socket]:
    """A connection on which a test says what it likes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        yield connection


def received(connection: socket.socket, marker: bytes = b"") -> bytes:
    """What comes until the marker, or until the server closes if there is none."""
    data = b""
    try:
        while not marker or marker not in data:
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
    except ConnectionResetError:
        pass
    return data


def wait_until_left(server: ServerProcess) -> None:
    """Waits until no stream is open."""
    while "livria_streams_open 0.0" not in httpx.get(f"{server.url}/metrics").text:
        pass


def test_a_request_on_a_stream_ends_it(server: ServerProcess) -> None:
    """Who asks for something else on the connection of their stream is cut off, and forgotten."""
    with connection(server) as reader:
        reader.sendall(STREAM)
        received(reader, b"stream.ready")
        reader.sendall(OTHER)

        assert received(reader) == b""
        wait_until_left(server)


def test_empty_lines_are_no_request(server: ServerProcess) -> None:
    """A line break after the request, as old clients send it, does the stream no harm."""
    with connection(server) as reader, Person(server.url, "mina") as mina:
        reader.sendall(STREAM + b"\r\n")
        received(reader, b"stream.ready")
        reader.sendall(b"\r\n")
        mina.post(4, "still here")

        assert b"still here" in received(reader, b"still here")


@pytest.mark.parametrize(("size", "pieces"), [(1_000, 1), (2, 1_000)])
def test_empty_lines_without_end(server: ServerProcess, size: int, pieces: int) -> None:
    """Who sends nothing but line breaks on a stream is cut off soon, not read for ever."""
    with connection(server) as reader:
        reader.sendall(STREAM)
        received(reader, b"stream.ready")
        with suppress(ConnectionError):
            for _ in range(pieces):
                reader.sendall(b"\r\n" * (size // 2))

        assert received(reader) == b""
        wait_until_left(server)


def test_requests_in_one_packet(server: ServerProcess) -> None:
    """So is who asks for both at once; nothing is left of the stream, and nothing is logged."""
    with connection(server) as reader:
        reader.sendall(STREAM + OTHER)

        assert b"200 OK" not in received(reader).partition(b"\r\n\r\n")[2]
        wait_until_left(server)
    log = server.log.read_text()
    assert "ERROR" not in log
    assert "Traceback" not in log


def test_a_stream_after_other_requests(server: ServerProcess) -> None:
    """A connection may be used for other requests before it becomes a stream's."""
    with connection(server) as reader:
        reader.sendall(OTHER)
        received(reader, b'"ok"')
        reader.sendall(STREAM)

        assert b"stream.ready" in received(reader, b"stream.ready")
        reader.shutdown(socket.SHUT_WR)
        wait_until_left(server)


def test_old_clients_get_no_chunks(tmp_path: Path) -> None:
    """A client of HTTP/1.0 gets the bare events, until the connection ends."""
    with (
        ServerProcess(tmp_path) as server,
        Person(server.url, "mina") as mina,
        connection(server) as reader,
    ):
        reader.sendall(STREAM.replace(b"HTTP/1.1", b"HTTP/1.0"))
        head, _, begun = received(reader, b"\n\n").partition(b"\r\n\r\n")
        mina.post(4, "x" * 1_000)
        told = received(reader, b"\n\n")
        assert server.stop() == 0
        last = received(reader)

    assert b"transfer-encoding" not in head.lower()
    assert begun.startswith(b": livria-sse book=4 ")
    assert told.startswith(b"event: review.created\n")
    assert last.startswith(b"event: stream.closing\n")
    assert last.endswith(b"\n\n")
    events = list(EventReader().feed(begun + told + last))
    assert [event.type for event in events] == ["stream.ready", "review.created", "stream.closing"]


def test_the_end_of_a_stream(server: ServerProcess) -> None:
    """The end of every stream is a line in the log: whose it was, how far it came, and why."""
    position = httpx.get(f"{server.url}/api/books/7/").json()["position"]
    with Person(server.url, "jun") as jun:
        moved = jun.post(7, "one more")["position"]
    line = re.compile(
        r"stream ended: address=198\.51\.100\.7 book=7 mode=resumed seconds=\d+\.\d "
        rf"position={re.escape(moved)} frames=(\d+) reason=left$",
        re.MULTILINE,
    )
    with connection(server) as reader:
        reader.sendall(
            f"GET /sse/books/7/?last_event_id={position} HTTP/1.1\r\nHost: x\r\n"
            "X-Forwarded-For: 198.51.100.7\r\n\r\n".encode()
        )
        told = received(reader, f"id: {moved}\n\n".encode())
    wait_until_left(server)

    assert line.findall(server.log.read_text()) == [str(told.count(b"\n\n"))]


@pytest.mark.parametrize(("path", "books"), [("4/", "4"), ("?book=4&book=5", "4,5")])
def test_frames_in_the_log(path: str, books: str, tmp_path: Path) -> None:
    """The line counts every frame from the first to the farewell, also those of several books."""
    with (
        ServerProcess(tmp_path) as server,
        Person(server.url, "mina") as mina,
        connection(server) as reader,
    ):
        reader.sendall(f"GET /sse/books/{path} HTTP/1.0\r\n\r\n".encode())
        told = received(reader, b"stream.ready")
        mina.post(4, "one")
        mina.post(4, "two")
        told += received(reader, b"two")
        assert server.stop() == 0
        told += received(reader)

    frames = told.partition(b"\r\n\r\n")[2].count(b"\n\n")
    (said,) = re.findall(rf"book={books} .* frames=(\d+) reason=closing", server.log.read_text())
    assert int(said) == frames


def test_other_versions_of_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a uvicorn that is not known here, streams go by way of ASGI alone."""
    assert our_server._http().func is DetachingProtocol
    monkeypatch.setattr(uvicorn, "__version__", "99.0.0")
    assert our_server._http() == "auto"


@pytest.mark.parametrize(
    ("hard", "more", "reached", "streams", "said"),
    [
        (8192, "", 3200, 2000, ""),
        (8192, "reserved_connections=100", 2300, 2000, ""),
        (1024, "", 1024, 412, "there are files for 412 streams instead of 2000"),
        (1024, "reserved_connections=100", 1024, 724, "there are files for 724 streams instead"),
        (1024, "limits=False", 1024, 412, ""),
        (
            8192,
            "max_connections_per_address=2000",
            3200,
            2000,
            "LIVRIA_MAX_CONNECTIONS_PER_ADDRESS: 500 instead of 2000",
        ),
        (300, "", 300, 50, "there are files for 50 streams instead of 2000"),
        (202, "", 202, 1, "there are files for 1 streams instead of 2000"),
    ],
)
def test_open_files(hard: int, more: str, reached: int, streams: int, said: str) -> None:
    """The limit on open files is raised to what is needed, or there are fewer streams."""
    done = fit_into_files(hard, more)

    assert done.stdout.split() == [str(reached), str(streams)]
    assert said in done.stderr
    assert bool(done.stderr) == bool(said)


def test_too_few_files() -> None:
    """Where not even one stream could be opened, it says so."""
    assert "201 open files are allowed, and 202 needed at least" in fit_into_files(201).stderr


def fit_into_files(hard: int, more: str = "") -> subprocess.CompletedProcess[str]:
    """What becomes of the limit, and of the setting, in a process that may open so many."""
    program = f"""
import resource
from livria_sse.server.files import fitted
from livria_sse.settings import Settings
resource.setrlimit(resource.RLIMIT_NOFILE, (min(200, {hard}), {hard}))
settings = fitted(Settings(max_streams=2000, {more}))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], settings.max_streams)
"""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
