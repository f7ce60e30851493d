"""What our own server refuses before it is a request: what is too large, and what does not come."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.live.sockets import (
    GET,
    POST,
    answer,
    complaints_of,
    connected,
    is_open,
    row_of,
    vanish,
)
from tests.parts import Person, ServerProcess
from tests.waiting import until

from livria_sse.server import server as our_server
from livria_sse.settings import Settings
from livria_sse.web.body import LARGEST_REFUSED
from livria_sse.web.rests import BURST

BOOK, UNREAD = 4, 5
LIMITS = Settings()
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests here, of little patience."""
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, request_seconds="1", heartbeat_seconds="1") as server:
        yield server


@pytest.mark.parametrize(
    "part",
    [
        b"GET /healthz HT",
        GET % b"/healthz",
        POST + b"Content-Length: 100\r\n\r\n",
        POST + b"Content-Length: 100\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["a line", "a head", "no body", "a body", "a chunk"],
)
def test_requests_that_do_not_come(server: ServerProcess, part: bytes) -> None:
    """Who sends only a part of a request is told so after the request timeout, and cut off."""
    with connected(server) as connection:
        connection.sendall(part)

        assert answer(connection).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("before", [b"", GET % b"/healthz" + b"\r\n"], ids=["first", "second"])
def test_connections_that_ask_for_nothing(server: ServerProcess, before: bytes) -> None:
    """Who begins no request is cut off without a word, which could be taken for an answer."""
    with connected(server) as connection:
        connection.sendall(before)

        assert answer(connection).count(b"HTTP/1.1") == before.count(b"HTTP/1.1")


def test_a_second_request_that_does_not_come(server: ServerProcess) -> None:
    """So is who has had an answer on the connection already."""
    with connected(server) as connection:
        connection.sendall(GET % b"/healthz" + b"\r\n" + b"GET /healthz HT")

        assert b"HTTP/1.1 408 " in answer(connection)


def test_bodies_that_do_not_come_any_more(server: ServerProcess) -> None:
    """Who was answered before the end of their request is cut off, and not answered twice."""
    with connected(server) as connection:
        connection.sendall(
            POST.replace(b"accounts/signup", b"reviews") + b"Content-Length: 9\r\n\r\n"
        )
        received = answer(connection)

        assert received.startswith(b"HTTP/1.1 401 ")
        assert received.count(b"HTTP/1.1") == 1


def test_line_breaks_keep_nothing_open(server: ServerProcess) -> None:
    """Who sends line breaks instead of a request is cut off like who sends nothing."""
    with connected(server) as connection:
        connection.sendall(GET % b"/healthz" + b"\r\n")
        while b"ok" not in connection.recv(65536):
            pass
        connection.sendall(b"\r\n")

        assert answer(connection) == b""


def test_trailers_without_end(server: ServerProcess) -> None:
    """After the last chunk of a body nothing more is taken: neither headers, nor memory."""
    with connected(server) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
        with suppress(ConnectionError):
            for number in range(1_000):
                connection.sendall(b"X-%d: %b\r\n" % (number, b"z" * 60_000))

        assert number < 999
        assert b"HTTP/1.1 200" not in answer(connection)


def test_large_heads_behind_others(server: ServerProcess) -> None:
    """A large head is refused, too, if it begins in the packet of another request."""
    with connected(server) as connection:
        head = GET % b"/healthz" + b"Cookie: " + b"x" * 50_000
        connection.sendall(GET % b"/healthz" + b"\r\n" + head)
        received = connection.recv(65536)
        connection.sendall(b"\r\n\r\n")
        received += answer(connection)

        assert received.count(b"HTTP/1.1 200 ") == 1
        assert received.count(b"HTTP/1.1 431 ") <= 1


def test_nobody_is_answered_twice(server: ServerProcess) -> None:
    """Who sends nonsense after they were answered is cut off without another answer."""
    with connected(server) as connection:
        path = POST.replace(b"accounts/signup", b"reviews")
        connection.sendall(path + b"Transfer-Encoding: chunked\r\n\r\n")
        received = connection.recv(65536)
        connection.sendall(b"zz\r\n")
        received += answer(connection)

        assert received.count(b"HTTP/1.1") == received.count(b"HTTP/1.1 401 ") == 1


def test_what_was_done_is_answered(server: ServerProcess) -> None:
    """Nonsense behind a whole request does not take its answer away."""
    body = b'{"username": "hana", "password": "correct horse battery"}'
    with connected(server) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n%b\0\0" % (len(body), body))

        received = answer(connection)
        assert received.count(b"HTTP/1.1") == received.count(b"HTTP/1.1 201 ") == 1


def test_nonsense_behind_a_stream(server: ServerProcess) -> None:
    """Who sends nonsense behind the request for a stream is cut off, and no error is logged."""
    before = complaints_of(server)
    with connected(server) as watching, connected(server) as connection:
        watching.sendall(GET % b"/sse/books/4/" + b"\r\n")
        watching.recv(65536)
        connection.sendall(GET % b"/sse/books/4/" + b"\r\n\0garbage")

        assert b"stream.heartbeat" not in answer(connection)
    assert complaints_of(server) == before


@pytest.fixture(scope="module")
def much(server: ServerProcess) -> bytes:
    """A request for more than the kernel keeps of a few answers."""
    with Person(server.url, "haru") as haru:
        for number in range(60):
            haru.post(UNREAD, f"{number} " + "책" * 4_990)
    return GET % (b"/api/reviews/?limit=200&book=%d" % UNREAD) + b"\r\n"


@pytest.mark.parametrize("more", [b"", b"GET /healthz HT"], ids=["all", "a part"])
def test_answers_that_nobody_takes(server: ServerProcess, much: bytes, more: bytes) -> None:
    """Who asks for much and reads nothing is cut off, whether they have asked for all or not."""
    with connected(server, window=4096) as connection:
        connection.sendall(much * LIMITS.max_waiting_requests + more)
        while is_open(server, connection):
            pass

        assert len(answer(connection)) < LIMITS.max_waiting_requests * 60 * 3 * 4_990


def test_answers_in_order(server: ServerProcess) -> None:
    """Nonsense in a request that waits for its turn is not answered before the one before it."""
    body = b'{"username": "dora", "password": "correct horse battery"}'
    with connected(server) as connection:
        connection.sendall(
            POST
            + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            + POST
            + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
        )

        assert b"HTTP/1.1 400 " not in answer(connection)


def test_streams_have_no_deadline(server: ServerProcess) -> None:
    """A stream goes on when the request timeout is long over."""
    with connected(server) as connection:
        connection.sendall(GET % b"/sse/books/4/" + b"\r\n")
        data = b""
        while data.count(b"event: stream.heartbeat") < 3:
            piece = connection.recv(65536)
            assert piece, data
            data += piece


@pytest.mark.parametrize("path", [b"/healthz", b"/sse/books/4/"])
def test_large_heads(server: ServerProcess, path: bytes) -> None:
    """A head of more than 16 KiB is refused with 431, for streams as for all else."""
    cookie = b"Cookie: " + b"x" * LIMITS.max_head_bytes + b"\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(GET % path + cookie)

        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_heads_without_end(server: ServerProcess) -> None:
    """Headers that go on and on are refused when there are 16 KiB of them."""
    with connected(server) as connection:
        connection.sendall(GET % b"/healthz")
        sent = 0
        while sent <= LIMITS.max_head_bytes:
            line = b"X-%d: %b\r\n" % (sent, b"x" * 1000)
            connection.sendall(line)
            sent += len(line)

        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_heads_that_are_large_enough(server: ServerProcess) -> None:
    """A head of 15 KiB passes, and what a body has does not count."""
    cookie = b"Cookie: " + b"x" * 15 * 1024 + b"\r\n"
    with connected(server) as connection:
        connection.sendall(GET % b"/healthz" + cookie + b"Connection: close\r\n\r\n")

        assert answer(connection).startswith(b"HTTP/1.1 200 ")
    body = b"[" * 60_000
    with connected(server) as connection:
        connection.sendall(POST + b"Connection: close\r\nContent-Length: 60000\r\n\r\n" + body)

        assert answer(connection).startswith(b"HTTP/1.1 400 ")


def test_many_headers(server: ServerProcess) -> None:
    """So are many headers, however small."""
    with connected(server) as connection:
        connection.sendall(GET % b"/healthz" + b"a:\r\n" * LIMITS.max_headers + b"\r\n")

        assert answer(connection).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("path", [b"/books/4/", b"/sse/books/4/"])
def test_long_targets(server: ServerProcess, path: bytes) -> None:
    """A target of more than 4 KiB or 120 fields is refused with 414, and one of as much passes."""
    fields = b"?" + b"&".join([b"%aa=%"] * LIMITS.max_query_fields)
    longest = path + fields + b"x" * (LIMITS.max_target_bytes - len(path + fields))
    with connected(server) as connection:
        connection.sendall(GET % longest + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    for refused in (longest + b"x", path + fields + b"&"):
        with connected(server) as connection:
            connection.sendall(GET % refused + b"\r\n")
            assert answer(connection).startswith(b"HTTP/1.1 414 ")


def test_bodies_in_too_many_pieces(server: ServerProcess) -> None:
    """A body in chunks of a byte is refused when they are too many, long before it is too large."""
    with connected(server) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"1\r\na\r\n" * (LIMITS.max_body_pieces + 1))

        assert answer(connection).endswith(b"Bad Request: its body comes in too many pieces\n")


def test_bodies_without_end(server: ServerProcess) -> None:
    """Who was answered and goes on sending is cut off: nobody reads what comes."""
    sent, piece = 0, b"x" * 65536
    with connected(server) as connection:
        connection.sendall(GET % b"/nothing" + b"Content-Length: 99999999999\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 404 ")
        with suppress(ConnectionError):
            while sent < 100 * LARGEST_REFUSED:
                connection.sendall(piece)
                sent += len(piece)

    assert sent < 100 * LARGEST_REFUSED


def test_space_behind_values(server: ServerProcess) -> None:
    """Space around the value of a header is no part of it."""
    with connected(server) as connection:
        connection.sendall(POST + b"Content-Length: 70000 \t \r\n\r\n" + b"x" * 70_000)

        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    with connected(server) as connection:
        connection.sendall(POST + b"Content-Length: 2 \r\nExpect: 100-continue\t\r\n\r\n")

        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")


def test_requests_that_wait_are_few(server: ServerProcess) -> None:
    """Who sends many requests without waiting for answers is cut off, and no error is logged."""
    complaints = complaints_of(server)
    few = GET % b"/healthz" + b"\r\n"
    with connected(server) as connection:
        connection.sendall(
            few * LIMITS.max_waiting_requests + few.replace(b"Host", b"Connection: close\r\nHost")
        )
        assert answer(connection).count(b"HTTP/1.1 200 ") == LIMITS.max_waiting_requests + 1
    with connected(server) as connection:
        connection.sendall(few * (LIMITS.max_waiting_requests + 10))
        assert answer(connection).count(b"HTTP/1.1 200 ") <= LIMITS.max_waiting_requests
    assert complaints_of(server) == complaints


def test_those_who_leave_with_requests_waiting(server: ServerProcess) -> None:
    """Who leaves while one request is answered and another waits costs no line in the log."""
    complaints = complaints_of(server)
    account = {"username": "jiho", "password": "correct horse battery"}
    body = json.dumps(account).encode()
    with connected(server) as connection:
        head = POST + b"Content-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body + GET % b"/healthz" + b"\r\n")
    while not httpx.post(f"{server.url}/api/accounts/login/", json=account).is_success:
        pass

    assert complaints_of(server) == complaints


def test_clients_that_vanish(server: ServerProcess) -> None:
    """The kernel looks after clients who are silent: each connection has a keepalive timer."""
    with connected(server) as connection:
        connection.sendall(GET % b"/sse/books/4/" + b"\r\n")
        connection.recv(65536)

        assert row_of(server, connection)[5].startswith("02:")


def test_how_long_the_kernel_waits(settings: Settings) -> None:
    """Connections have the patience of the listener that accepts them."""
    with (
        our_server._listen(settings.model_copy(update={"port": 0})) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        options = {
            name: accepted.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in our_server.VANISHED
        }

    assert options == our_server.VANISHED


@pytest.mark.long
async def test_clients_that_confirm_nothing(tmp_path: Path) -> None:
    """A reader who has vanished is given up after 30 s, though there is room for heartbeats."""
    with ServerProcess(tmp_path, heartbeat_seconds="1") as server, connected(server) as connection:
        connection.sendall(GET % b"/sse/books/4/" + b"\r\n")
        connection.recv(65536)
        vanish(connection)

        await until(lambda: not row_of(server, connection))
        await until(lambda: "livria_streams_open 0.0" in httpx.get(f"{server.url}/metrics").text)
        assert complaints_of(server) == []


def test_others_are_served(server: ServerProcess) -> None:
    """While some keep the server waiting, everybody else is served."""
    with Person(server.url, "mina") as mina, connected(server) as slow:
        slow.sendall(POST + b"Content-Length: 100\r\n\r\n{")
        mina.post(BOOK, "meanwhile")

        assert b"HTTP/1.1 408 " in answer(slow)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            b"Content-Length: 27\r\n\r\n" + GET % b"/" + b"\r\n", id="that is a request itself"
        ),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", id="in chunks"),
    ],
)
def test_bodies_beside_an_upgrade(server: ServerProcess, body: bytes) -> None:
    """Who offers another protocol and sends a body is refused, and the body is never a request."""
    with connected(server) as connection:
        connection.sendall(POST + UPGRADE + body)

        refused = answer(connection)
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert refused.endswith(b"Bad Request: with a body, it must not offer an Upgrade\n")
    assert refused.count(b"HTTP/1.1") == 1


def test_upgrades_are_not_taken(server: ServerProcess) -> None:
    """Who offers another protocol with a GET is answered in this one, and the connection ends.

    What comes with the request, or behind it, is no request: the parser has lost its place.
    """
    behind = POST + b"Content-Length: 27\r\n\r\n"
    with connected(server) as connection:
        connection.sendall(GET % b"/healthz" + UPGRADE + b"\r\n" + behind)
        answered = connection.recv(65536)
        with suppress(ConnectionError):
            connection.sendall(GET % b"/readyz" + b"\r\n")
        answered += answer(connection)

    head, _, _ = answered.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close" in head
    assert answered.count(b"HTTP/1.1") == 1


def test_who_sends_nonsense_is_heard_at_the_pace(tmp_path: Path) -> None:
    """An address whose request was none may open connections no faster than the pace."""
    patient: dict[str, Any] = {"trusted_proxies": "192.0.2.1", "request_seconds": "600"}
    with ServerProcess(tmp_path, requests_per_address="1/hour", **patient) as server:
        for number in range(2 + BURST):
            with connected(server) as connection:
                connection.sendall(b"nonsense\r\n\r\n")
                assert answer(connection).startswith(b"HTTP/1.1 400 "), number
        with connected(server) as connection:
            assert answer(connection) == b""
