"""How many connections our own server lets anybody hold open."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.live.sockets import GET, POST, answer, complaints_of, is_open
from tests.parts import Person, ServerProcess
from tests.waiting import until

from livria_sse.server.files import OWN_FILES
from livria_sse.web.rests import BURST

LIMIT = 5
#: As few as leave 100 places for clients.
FILES = 300
#: An address that nobody trusts, and another; the latter is everybody else's here.
CROWDED, OTHER = "127.0.0.9", "127.0.0.1"
TRUSTED = "127.0.0.8"
STREAM = GET % b"/sse/books/4/" + b"\r\n"
HEALTH = GET % b"/healthz" + b"\r\n"
#: Closed as if by a crash, with nothing sent after it (socket(7)).
AT_ONCE = struct.pack("ii", 1, 0)
BOOKS = GET % b"/api/books/" + b"\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that trusts one proxy, and lets an address hold few connections."""
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(
        folder, max_connections_per_address=str(LIMIT), trusted_proxies=TRUSTED
    ) as server:
        yield server


@pytest.fixture
def stack(server: ServerProcess) -> Iterator[ExitStack]:
    """Holds connections; the server has none when it is left."""
    with ExitStack() as stack:
        yield stack
    while server.connections():
        pass


def connected(stack: ExitStack, server: ServerProcess, address: str) -> socket.socket:
    """A connection from some address."""
    connection = socket.create_connection(("127.0.0.1", server.port), 30, (address, 0))
    return stack.enter_context(connection)


def is_answered(connection: socket.socket, request: bytes = HEALTH) -> bool:
    """Whether a request is answered on a connection, and not by its end."""
    try:
        connection.sendall(request)
        return connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    except ConnectionError:
        return False


def until_answered(server: ServerProcess, address: str) -> None:
    """Connects again and again until a request is answered."""
    answered = False
    while not answered:
        with ExitStack() as attempt:
            answered = is_answered(connected(attempt, server, address))


def refused(server: ServerProcess) -> dict[str, int]:
    """How many connections were closed, by the limit."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    told = [line.split() for line in lines if line.startswith("livria_connections_refused_total")]
    return {name.split('"')[1]: int(float(number)) for name, number in told}


def test_connections_of_an_address(server: ServerProcess, stack: ExitStack) -> None:
    """Who holds many gets no more until one of them is closed; others are served meanwhile."""
    before = refused(server)
    held = [connected(stack, server, CROWDED) for _ in range(LIMIT)]
    assert is_answered(held[-1])

    assert answer(connected(stack, server, CROWDED)) == b""
    assert is_answered(connected(stack, server, OTHER))
    assert refused(server)["address"] == before["address"] + 1
    held[0].close()
    until_answered(server, CROWDED)


def test_streams_are_not_counted(server: ServerProcess, stack: ExitStack) -> None:
    """Streams take none of these places: they have limits of their own."""
    for _ in range(2 * LIMIT):
        assert is_answered(connected(stack, server, CROWDED), STREAM)

    assert is_answered(connected(stack, server, CROWDED))


def test_trusted_proxies(server: ServerProcess, stack: ExitStack) -> None:
    """A trusted proxy holds as many as it likes: they are those of its clients."""
    held = [connected(stack, server, TRUSTED) for _ in range(4 * LIMIT)]

    assert all(is_answered(each) for each in held)


def test_who_asks_too_fast(tmp_path: Path) -> None:
    """Who asks on though they are refused may open no connection, until they rest; others may."""
    with (
        ServerProcess(tmp_path, requests_per_address="4/second", trusted_proxies=TRUSTED) as server,
        ExitStack() as stack,
    ):
        while not refused(server)["pace"]:
            for _ in range(4 * BURST):
                with ExitStack() as left:
                    connected(left, server, CROWDED).sendall(BOOKS)
        assert is_answered(connected(stack, server, OTHER), BOOKS)
        assert "crowded: connections reach the limit of pace" in server.log.read_text()
        until_answered(server, CROWDED)


def test_who_has_left_already(server: ServerProcess) -> None:
    """Nothing is done for who leaves before they are let in: nobody knows any more who they are."""
    name = b'{"username": "ghost", "password": "nobody was here"}'
    server.signal(signal.SIGSTOP)
    with ExitStack() as left:
        connection = connected(left, server, CROWDED)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(name) + name)
    server.signal(signal.SIGCONT)
    with Person(server.url, "ghost") as ghost:
        assert ghost.token


def test_without_limits(tmp_path: Path) -> None:
    """With `LIVRIA_LIMITS=off` everybody does."""
    with (
        ServerProcess(
            tmp_path, max_connections_per_address="1", trusted_proxies=TRUSTED, limits="off"
        ) as server,
        ExitStack() as stack,
    ):
        held = [connected(stack, server, CROWDED) for _ in range(4 * LIMIT)]

        assert all(is_answered(each) for each in held)


async def test_more_connections_than_files(tmp_path: Path) -> None:
    """When all places are taken, who has waited longest for nothing makes room for who asks.

    However many say nothing, from however many addresses, others are answered, and streams stay.
    """
    with ServerProcess(tmp_path, files=FILES) as server, ExitStack() as stack:
        places = FILES - OWN_FILES
        stream = connected(stack, server, OTHER)
        assert is_answered(stream, STREAM)
        idle = [connected(stack, server, OTHER) for _ in range(places + 50)]

        assert is_answered(connected(stack, server, OTHER))
        await until(lambda: server.connections() <= places)
        assert all(answer(each) == b"" for each in idle[:50])
        assert is_answered(idle[-1])
        assert refused(server)["files"] > 50
        assert is_open(server, stream)
        *_, complaint = complaints_of(server)
        assert "crowded: connections reach the limit of files, now by 127.0.0.1" in complaint


def test_who_asks_now_and_then(tmp_path: Path) -> None:
    """Nobody takes all places by asking for something on each, and waiting: others get theirs."""
    with ServerProcess(tmp_path, files=FILES) as server, ExitStack() as stack:
        idle = [connected(stack, server, OTHER) for _ in range(FILES - OWN_FILES)]
        for connection in idle:
            is_answered(connection)

        assert is_answered(connected(stack, server, OTHER))
        assert is_answered(connected(stack, server, CROWDED))


def test_an_address_leaves_places(tmp_path: Path) -> None:
    """However few files there are, nobody holds most of the places beside the streams."""
    with (
        ServerProcess(tmp_path, files=FILES, trusted_proxies=TRUSTED) as server,
        ExitStack() as stack,
    ):
        held = [connected(stack, server, CROWDED) for _ in range(FILES - OWN_FILES)]

        assert [is_answered(each) for each in held].count(True) == (FILES - OWN_FILES) // 4


def test_few_files(tmp_path: Path) -> None:
    """Where few files may be opened, fewer streams are, and everything else is still answered."""
    with ServerProcess(tmp_path, files=FILES) as server, ExitStack() as stack:
        assert "there are files for 50 streams instead of 10000" in server.log.read_text()
        streams = [connected(stack, server, OTHER) for _ in range(51)]
        *begun, last = [is_begun(stream) for stream in streams]

        assert (all(begun), last) == (True, False)
        assert httpx.get(f"{server.url}/healthz").is_success
        with Person(server.url, "mina") as mina:
            mina.post(4, "there is a place for this")


def is_begun(stream: socket.socket) -> bool:
    """Whether a stream begins that is asked for, instead of ending as the server is busy."""
    stream.sendall(STREAM)
    data = b""
    while b"stream.ready" not in data and (piece := stream.recv(65536)):
        data += piece
    assert b"stream.ready" in data or b"stream.busy" in data
    return b"stream.ready" in data
