"""Real proxies in front of a server whose database is away."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from tests.parts import KINDS_AT_LENGTH, Kind, PostgresCluster, ReverseProxy, ServerProcess

#: Any proxy knows by then that the server says that it is not ready.
NOTICED_SECONDS = 4.0


@pytest.mark.parametrize("kind", KINDS_AT_LENGTH)
def test_readers_are_told_to_wait(tmp_path: Path, kind: Kind) -> None:
    """The server itself answers readers, with status 200: a 503 would end an EventSource."""
    folder = tmp_path / "proxy"
    folder.mkdir()
    with (
        PostgresCluster(tmp_path / "postgres") as postgres,
        ServerProcess(tmp_path, database_url=postgres.create_database(migrated=True)) as server,
        ReverseProxy(kind, folder, server.port) as proxy,
        httpx.Client(base_url=proxy.url, verify=False) as client,  # noqa: S501 - of its own making
    ):
        while not client.get("/readyz").is_success:
            pass
        postgres.kill()
        while client.get("/readyz").status_code != 503:
            pass

        known = time.monotonic() + NOTICED_SECONDS
        while time.monotonic() < known:
            answer = client.get("/sse/books/4/")
            assert (answer.status_code, "stream.busy" in answer.text) == (200, True)
        assert client.get("/api/books/4/").status_code == 503
        postgres.start()
        while not client.get("/readyz").is_success:
            pass
        assert client.get("/api/books/4/").is_success
