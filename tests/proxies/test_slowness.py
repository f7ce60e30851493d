"""Slow requests at real proxies, and streams that outlive the patience with those."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator

import pytest
from tests.parts import KINDS_AT_LENGTH, Curl, Kind, Person, ReverseProxy, ServerProcess

BOOK = 5
#: How long a request may take to come, instead of 20 s.
PATIENCE = 2
HEAD = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
POST = (
    "POST /api/reviews/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
    "Content-Type: application/json\r\nAuthorization: Bearer {}\r\n\r\n"
)


@pytest.fixture(scope="module", params=KINDS_AT_LENGTH)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which proxy; all of them in the long suite."""
    kind: Kind = request.param
    return kind


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without patience, whose heartbeats come too late to keep a stream open."""
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, heartbeat_seconds="30", request_seconds=str(PATIENCE)) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(
    kind: Kind, server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReverseProxy]:
    """A proxy without patience in front of the server."""
    folder = tmp_path_factory.mktemp(kind)
    with ReverseProxy(kind, folder, server.port, request_seconds=PATIENCE) as proxy:
        yield proxy


def held(proxy: ReverseProxy, start: str, more: bytes) -> float:
    """For how many seconds a proxy waits, and gives no answer, while this comes each second."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    began = time.monotonic()
    with (
        socket.create_connection(("localhost", proxy.port)) as raw,
        context.wrap_socket(raw) as connection,
    ):
        connection.settimeout(1)
        connection.sendall(start.encode())
        while time.monotonic() - began < 5 * PATIENCE:
            try:
                connection.sendall(more)
                connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:  # it was reset
                pass
            break
        return time.monotonic() - began


def test_slow_heads_are_cut_off(proxy: ReverseProxy) -> None:
    """Who sends the head of a request a byte a second is not listened to for long."""
    assert held(proxy, HEAD, b"x") < 4 * PATIENCE


def test_bodies_that_do_not_come_are_cut_off(proxy: ReverseProxy, mina: Person) -> None:
    """Nor is who announces a review and does not send it, be it that the server ends that."""
    assert held(proxy, POST.format(mina.token), b"") < 4 * PATIENCE


@pytest.mark.parametrize("version", ["1.1", "2"])
def test_streams_are_not_slow(proxy: ReverseProxy, mina: Person, version: str) -> None:
    """A stream stays open for longer than a request may take to come."""
    options = ("--insecure", f"--http{version}")
    with Curl(f"{proxy.url}/sse/books/{BOOK}/", options=options) as stream:
        stream.until_event("stream.ready")
        time.sleep(1.5 * PATIENCE)
        stream.until(mina.post(BOOK, f"late {version}")["position"])
