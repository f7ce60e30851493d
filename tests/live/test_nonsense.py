"""What is no request at all, or nearly one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings, strategies as st
from tests.live.sockets import GET, answer, complaints_of, connected
from tests.parts import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests here."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10,
        GET % b"http://[/" + b"\r\n",
        GET % b"http://[::1]:99999/" + b"\r\n",
        b"CONNECT livria.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /sse/books/4/ HTTP/1.1\r\nAccept: */*\r\n\r\n",
        GET % b"/healthz" + b"Host: x\r\n\r\n",
        GET % b"/sse/books/4/" + b"HOST: y\r\n\r\n",
    ],
    ids=[
        *["TLS", "half an address", "no port", "another server"],
        *["no host", "no host of a stream", "two hosts", "two hosts of a stream"],
    ],
)
@pytest.mark.parametrize("before", [b"", GET % b"/healthz" + b"\r\n"], ids=["first", "second"])
def test_what_is_not_http(server: ServerProcess, nonsense: bytes, before: bytes) -> None:
    """What cannot be understood is refused with 400, and costs no line in the log."""
    complaints = complaints_of(server)
    with connected(server) as connection:
        connection.sendall(before)
        while before and b"ok" not in connection.recv(65536):
            pass
        connection.sendall(nonsense)

        assert answer(connection).startswith(b"HTTP/1.1 400 ")
    assert complaints_of(server) == complaints


def test_old_clients_name_no_host(server: ServerProcess) -> None:
    """A client of HTTP/1.0, as a health check may be, does not have to say which host it asks."""
    with connected(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")

        assert answer(connection).startswith(b"HTTP/1.1 200 ")


LINES = [
    *[b"Host: x", b"Host:", b"Host: [", b"Content-Length: 3", b"Content-Length: -1", b"Expect: x"],
    *[b"Transfer-Encoding: chunked", b"Transfer-Encoding: x, chunked", b"Expect: 100-continue"],
    *[b"Connection: close", b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c"],
    *[b"Content-Type: application/json", b"Authorization: Bearer x", b" folded", b": y", b""],
]
TARGETS = [b"/", b"*", b"//", b"/%00?%ff", b"http://[", b"x:80", b"/sse/books/4/", b"/#?", b"?"]
BODIES = [b"", b"{}\n", b"3\r\n{}\n\r\n0\r\n\r\n", b"zz\r\n"]


def requests(noise: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Requests in which some parts are unusual, or noise."""
    methods = st.sampled_from([b"GET", b"POST", b"HEAD", b"CONNECT", b"PRI", b"get"])
    targets = st.sampled_from(TARGETS) | noise.map(b"/".__add__)
    known = b"HTTP/1.1\r\nHost: x"
    versions = st.sampled_from([known, known, b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9"])
    first = st.tuples(methods, targets, versions).map(b" ".join)
    lines = st.lists(st.sampled_from(LINES) | noise, max_size=4).map(b"\r\n".join)
    head = st.tuples(first, lines).map(b"\r\n".join)
    return st.tuples(head, st.sampled_from(BODIES) | noise).map(b"\r\n\r\n".join)


NOISE = st.binary(max_size=12)
ANYTHING = st.lists(requests(st.nothing()) | requests(NOISE) | NOISE, min_size=1, max_size=4)


@given(sent=ANYTHING.map(b"".join), cut=st.integers(0, 300))
@settings(max_examples=4 * settings().max_examples, derandomize=True)
def test_anything_is_survived(server: ServerProcess, sent: bytes, cut: int) -> None:
    """Whatever bytes come, in one packet or two, no answer is an error, and no line is logged."""
    complaints = complaints_of(server)
    with connected(server) as connection:
        with suppress(OSError):
            connection.sendall(sent[:cut])
            connection.sendall(sent[cut:])
            connection.shutdown(socket.SHUT_WR)
        received = answer(connection)

    assert b"HTTP/1.1 5" not in received
    assert complaints_of(server) == complaints
