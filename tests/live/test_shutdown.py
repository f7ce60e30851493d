"""Servers that stop, crash and come back."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.parts import Person, ServerProcess, plain_uvicorn
from tests.replica import Replica
from tests.sse import EventReader

BOOK = 4


class RawStream:
    """A stream on a bare socket, so that a test sees how its body ends."""

    def __init__(self, port: int, position: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._socket.sendall(
            f"GET /sse/books/{BOOK}/?last_event_id={position} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        )
        self.received = b""

    def until(self, marker: bytes) -> bytes:
        """Reads until the bytes have come."""
        while marker not in self.received:
            piece = self._socket.recv(65536)
            assert piece, self.received
            self.received += piece
        return self.received

    def rest(self) -> bytes:
        """Reads to the end of the connection; everything that came."""
        while piece := self._socket.recv(65536):
            self.received += piece
        return self.received

    def close(self) -> None:
        """Leaves."""
        self._socket.close()


@contextmanager
def open_streams(port: int, count: int) -> Iterator[list[RawStream]]:
    """Many streams that are all live."""
    streams = [RawStream(port) for _ in range(count)]
    for stream in streams:
        stream.until(b"stream.ready")
    try:
        yield streams
    finally:
        for stream in streams:
            stream.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_streams_are_ended_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    """A server that stops bids every reader farewell and ends every stream with its last chunk."""
    server = ServerProcess(tmp_path)
    server.start()
    with open_streams(server.port, 200) as streams:
        server.signal(how)

        for stream in streams:
            received = stream.rest()
            head, _, body = received.partition(b"\r\n\r\n")
            reader = EventReader()
            events = list(reader.feed(_unchunked(body)))
            assert b"transfer-encoding: chunked" in head
            assert received.endswith(b"0\r\n\r\n")
            assert events[-1].type == "stream.closing"
            assert reader.retry

    assert server.wait() == 0
    log = server.log.read_text()
    assert len(re.findall(rf"started: .* address={server.url}/ workers=1$", log, re.MULTILINE)) == 1
    assert log.count("told to stop: streams=200\n") == 1
    assert len(re.findall(r"stopped: seconds=\d+\.\d$", log, re.MULTILINE)) == 1
    assert "ERROR" not in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    server.stop()


def test_notice(tmp_path: Path) -> None:
    """After SIGTERM streams and requests go on for a while; but none begins, and proxies know."""
    with (
        ServerProcess(tmp_path, notice_seconds="60") as server,
        Person(server.url, "mina") as mina,
        open_streams(server.port, 1) as (old,),
        httpx.Client(base_url=server.url) as proxy,
    ):
        assert "connection" not in proxy.get("/healthz").headers
        server.signal(signal.SIGTERM)
        while (ready := proxy.get("/readyz")).status_code != 503:
            pass
        assert ready.headers["connection"] == "close"
        late = RawStream(server.port)
        assert b"event: stream.closing" in late.rest()
        assert b"stream.ready" not in late.received
        late.close()
        mina.post(BOOK, "meanwhile")
        assert b"stream.closing" not in old.until(b"meanwhile")
        server.signal(signal.SIGINT)
        assert server.wait() == -signal.SIGINT


def test_draining(tmp_path: Path) -> None:
    """While a server drains it is unready, and sends new readers away in a stream."""
    with ServerProcess(tmp_path) as server, open_streams(server.port, 400) as streams:
        server.signal(signal.SIGTERM)
        streams[0].until(b"stream.closing")

        ready = httpx.get(f"{server.url}/readyz")
        late = httpx.get(f"{server.url}/sse/books/{BOOK}/")

        assert ready.status_code == 503
        assert late.status_code == 200
        assert "event: stream.closing" in late.text
        assert "event: stream.ready" not in late.text
        (retry,) = re.findall(r"^retry: (\d+)$", late.text, re.MULTILINE)
        assert int(retry) <= 400, "who comes has often waited before"
        for stream in streams:
            assert stream.rest().endswith(b"0\r\n\r\n")
        assert server.wait() == 0


@contextmanager
def half_a_post(server: ServerProcess, token: str) -> Iterator[socket.socket]:
    """A POST whose body has not come when the server is told to stop."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(
            b"POST /api/reviews/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
            % (token.encode(), len(LAST))
        )
        assert b"100 Continue" in connection.recv(65536)  # the application waits for the body
        server.signal(signal.SIGINT)
        while _listens(server.port):
            pass
        yield connection


LAST = b'{"book": %d, "content": "the last word"}' % BOOK


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_posts_under_way_are_finished(tmp_path: Path) -> None:
    """A POST that is under way when the server is told to stop is answered, and kept."""
    with ServerProcess(tmp_path) as server, Person(server.url, "mina") as mina:
        with half_a_post(server, mina.token) as connection:
            connection.sendall(LAST)

            assert b"HTTP/1.1 201 " in connection.recv(65536)
        assert server.wait() == 0
        assert "ERROR" not in server.log.read_text()
        server.stop()
        server.start()
        assert "the last word" in httpx.get(f"{server.url}/api/books/{BOOK}/").text


def test_first_requests_are_answered(tmp_path: Path) -> None:
    """Who has connected before the server was told to stop, and asks just after it, is answered."""
    with ServerProcess(tmp_path) as server, ExitStack() as stack:
        address = ("127.0.0.1", server.port)
        connections = [
            stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(20)
        ]
        httpx.get(f"{server.url}/healthz")  # they are accepted, as they came before this one
        server.signal(signal.SIGTERM)
        while _listens(server.port):
            pass
        for connection in connections:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

        assert all(connection.recv(100).startswith(b"HTTP/1.1 200") for connection in connections)
        assert server.wait() == 0


def test_heads_under_way_are_waited_for(tmp_path: Path) -> None:
    """Who has begun to ask is waited for when others, who have not, are not any more."""
    with ServerProcess(tmp_path) as server, ExitStack() as stack:
        address = ("127.0.0.1", server.port)
        asking, silent = (
            stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(2)
        )
        asking.sendall(b"GET /healthz HTTP/1.1\r\n")
        httpx.get(f"{server.url}/healthz")  # it was read, as it came before this one
        server.signal(signal.SIGINT)
        assert silent.recv(100) == b""
        asking.sendall(b"Host: x\r\n\r\n")

        received = asking.recv(65536)
        assert received.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in received
        assert server.wait() == 0


def test_posts_that_do_not_come_are_given_up(tmp_path: Path) -> None:
    """A POST whose body does not come is refused in time, without an error in the log."""
    with (
        ServerProcess(tmp_path) as server,
        Person(server.url, "mina") as mina,
        half_a_post(server, mina.token) as connection,
    ):
        assert b"HTTP/1.1 408 " in connection.recv(65536)
        assert server.wait() == 0
        assert "ERROR" not in server.log.read_text()


def test_closed_terminals(tmp_path: Path) -> None:
    """SIGHUP, as a terminal sends when it is closed, stops a server as cleanly as SIGTERM does."""
    with ServerProcess(tmp_path) as server, open_streams(server.port, 5) as streams:
        server.signal(signal.SIGHUP)

        for stream in streams:
            assert b"stream.closing" in stream.rest()
        assert server.wait() == 0


def test_a_second_interrupt(tmp_path: Path) -> None:
    """Who interrupts a server twice does not wait for what is under way."""
    with (
        ServerProcess(tmp_path) as server,
        Person(server.url, "mina") as mina,
        half_a_post(server, mina.token),
    ):
        server.signal(signal.SIGINT)

        assert server.wait() == -signal.SIGINT


def _unchunked(body: bytes) -> bytes:
    data = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        data, body = data + body[:length], body[length + 2 :]
    return data


def test_restart_changes_nothing(server: ServerProcess, mina: Person) -> None:
    """After a crash and a restart a reader gets exactly what happened since their position."""
    kept = mina.post(BOOK, "kept")
    edited = mina.post(BOOK, "to be edited")
    deleted = mina.post(BOOK, "to be deleted")
    stream = RawStream(server.port)
    stream.until(b"stream.ready")
    server.kill()
    server.start()
    mina.edit(edited["id"], "edited")
    mina.delete(deleted["id"])
    head = mina.post(BOOK, "new")["position"]

    resumed = RawStream(server.port, position=deleted["position"])
    replica = Replica()
    replica.reviews = {kept["id"]: "kept", edited["id"]: "x", deleted["id"]: "x"}
    replica.feed(_unchunked_so_far(resumed.until(f"id: {head}".encode())))

    assert sorted(replica.reviews.values()) == ["edited", "kept", "new"]
    assert [event.type for event in replica.events] == [
        "stream.ready",
        "review.updated",
        "review.deleted",
        "review.created",
    ]
    stream.close()
    resumed.close()


def _unchunked_so_far(received: bytes) -> bytes:
    return _unchunked(received.partition(b"\r\n\r\n")[2])


def test_readers_who_leave_are_forgotten(server: ServerProcess) -> None:
    """After two thousand streams have come and gone, nothing of them is left."""
    for _ in range(20):  # what a process allocates once for all is allocated now
        _come_and_go(server, 200)
    _wait_until_forgotten(server)
    before = _threads_and_memory(server)
    for _ in range(10):
        _come_and_go(server, 200)
    _wait_until_forgotten(server)
    threads, kib = _threads_and_memory(server)

    assert threads == before[0]
    # Two KiB are what an idle stream keeps; a leak of one KiB each would show.
    assert kib - before[1] < 2_000
    assert "livria_books_watched 0.0" in httpx.get(f"{server.url}/metrics").text


def _come_and_go(server: ServerProcess, count: int) -> None:
    with open_streams(server.port, count):
        metrics = httpx.get(f"{server.url}/metrics").text
        assert f"livria_streams_open {float(count)}" in metrics


def _wait_until_forgotten(server: ServerProcess) -> None:
    while "livria_streams_open 0.0" not in httpx.get(f"{server.url}/metrics").text:
        pass


def _threads_and_memory(server: ServerProcess) -> tuple[int, int]:
    status = Path(f"/proc/{server.pid}/status").read_text()
    values = dict(line.split(":", 1) for line in status.splitlines())
    return int(values["Threads"]), int(values["VmRSS"].split()[0])


def test_uvicorn_serves_it_too(tmp_path: Path) -> None:
    """`uvicorn livria_sse:app` serves the same, with settings from the environment."""
    with plain_uvicorn(tmp_path) as server, Person(server.url, "mina") as mina:
        stream = RawStream(server.port)
        stream.until(b"stream.ready")
        mina.post(BOOK, "hello")

        assert b"hello" in stream.until(b"review.created")
        stream.close()


def test_below_a_path(tmp_path: Path) -> None:
    """Behind a proxy that serves it below a path, streams are found as everything else is."""
    with plain_uvicorn(tmp_path, "--root-path", "/livria") as server:
        stream = RawStream(server.port)

        assert b"200 OK" in stream.until(b"stream.ready")
        stream.close()
