"""Readers who leave, behind real proxies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from tests.parts import Curl, Kind, ReverseProxy, ServerProcess
from tests.waiting import until

BOOK = 5
#: Where the reader comes from; only the proxy's own address is trusted.
READER = "127.0.0.2"
#: Less than passes before a heartbeat: the first comes after half an interval. On a machine that
#: does nothing else, less than people wait.
LONGEST_SECONDS = [10, pytest.param(2, marks=pytest.mark.long)]


@pytest.fixture(scope="module")
def server(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with few heartbeats, unless a proxy asks for more."""
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, heartbeat_seconds="30", trusted_proxies="127.0.0.1") as server:
        yield server


@pytest.fixture(scope="module")
def proxy(
    kind: Kind, server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReverseProxy]:
    """A proxy in front of the server."""
    with ReverseProxy(kind, tmp_path_factory.mktemp(kind), server.port) as proxy:
        yield proxy


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("seconds", LONGEST_SECONDS)
def test_leaving_is_noticed(
    proxy: ReverseProxy, server: ServerProcess, version: str, seconds: int
) -> None:
    """The server hears of it when a reader leaves, and knows them by the address the proxy saw."""
    known = len(server.log.read_text())
    address = f"{proxy.url}/sse/books/{BOOK}/"
    options = ("--insecure", "--ipv4", "--interface", READER, f"--http{version}")
    with Curl(address, "X-Forwarded-For: 192.0.2.7", options=options) as stream:
        stream.until_event("stream.ready")

    def ended() -> list[str]:
        line = r"stream ended: address=(\S+) .* reason=left"
        return re.findall(line, server.log.read_text()[known:])

    asyncio.run(asyncio.wait_for(until(lambda: bool(ended())), seconds))
    assert ended() == [READER]
