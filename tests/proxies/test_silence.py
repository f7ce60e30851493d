"""Quiet streams behind proxies that give up on silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.parts import KINDS_AT_LENGTH, Care, Curl, Kind, ReverseProxy, ServerProcess

BOOK = 5


@pytest.mark.parametrize("kind", KINDS_AT_LENGTH)
@pytest.mark.parametrize(
    ("heartbeat", "idle", "beats"),
    [(1, 2, 4), pytest.param(15, 60, 5, marks=pytest.mark.long)],
    ids=["short", "70 s"],
)
def test_quiet_streams_stay_open(
    tmp_path: Path, kind: Kind, care: Care, heartbeat: int, idle: int, beats: int
) -> None:
    """A stream on which nothing happens outlives the patience of a proxy: it has heartbeats."""
    folder = tmp_path / "proxy"
    folder.mkdir()
    with (
        ServerProcess(tmp_path, heartbeat_seconds=str(heartbeat)) as server,
        ReverseProxy(kind, folder, server.port, care=care, idle_seconds=idle) as proxy,
        Curl(f"{proxy.url}/sse/books/{BOOK}/", options=("-k",), seconds=120) as stream,
    ):
        while [event.type for event in stream.events].count("stream.heartbeat") < beats:
            stream.read()
