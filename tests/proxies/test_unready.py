"""Real proxies in front of servers of which none is ready.

They leave the answer to the servers, who tell readers with status 200 when to come back: a proxy's
own 503 would end an EventSource.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.parts import CHECKING_FIRST, KINDS, Kind, PostgresCluster, ReverseProxy, ServerProcess

#: Any proxy knows by then that a server says that it is not ready.
NOTICED_SECONDS = 4.0


@contextmanager
def behind(kind: Kind, folder: Path, *servers: ServerProcess) -> Iterator[httpx.Client]:
    """Somebody who asks a proxy in front of servers, all of which are ready."""
    (folder / "proxy").mkdir()
    with (
        ReverseProxy(kind, folder / "proxy", *(server.port for server in servers)) as proxy,
        httpx.Client(base_url=proxy.url, verify=False, timeout=30) as client,  # noqa: S501
    ):
        while not client.get("/readyz").is_success:
            pass
        yield client


def assert_told(client: httpx.Client, event: str) -> None:
    """Checks that whoever asks for a stream is told the same, until any proxy has noticed."""
    while client.get("/readyz").status_code != 503:
        pass
    known = time.monotonic() + NOTICED_SECONDS
    while time.monotonic() < known:
        answer = client.get("/sse/books/4/")
        assert (answer.status_code, f"event: {event}\n" in answer.text) == (200, True)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_the_database_is_away(tmp_path: Path, kind: Kind) -> None:
    """While no process has a database, readers are asked to wait; and served when it is back."""
    with PostgresCluster(tmp_path / "postgres") as postgres:
        address = postgres.create_database(migrated=True)
        (tmp_path / "first").mkdir()
        (tmp_path / "second").mkdir()
        with (
            ServerProcess(tmp_path / "first", database_url=address) as first,
            ServerProcess(tmp_path / "second", database_url=address) as second,
            behind(kind, tmp_path, first, second) as client,
        ):
            postgres.kill()
            assert_told(client, "stream.busy")
            assert client.get("/api/books/4/").status_code == 503

            postgres.start()
            while not client.get("/api/books/4/").is_success:
                pass


@pytest.mark.parametrize("kind", CHECKING_FIRST)
def test_the_only_process_stops(tmp_path: Path, kind: Kind) -> None:
    """As long as the only process stops, readers are asked to come back, and others answered."""
    with (
        ServerProcess(tmp_path, notice_seconds="60") as server,
        behind(kind, tmp_path, server) as client,
    ):
        server.signal(signal.SIGTERM)
        assert_told(client, "stream.closing")
        assert client.get("/api/books/4/").is_success
        server.signal(signal.SIGINT)
