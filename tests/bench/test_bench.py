"""The benchmark measures what it says, in small."""

from __future__ import annotations

from math import inf
from pathlib import Path

from tests.bench import measures
from tests.bench.__main__ import show
from tests.bench.peers import Peer, floor, service


def check_fanout(peer: Peer) -> None:
    """Every copy has come, and every figure is one."""
    result = measures.fanout(peer, readers=20, events=5, rate=inf)

    assert result.copies_per_second > 0
    assert result.us_per_copy > 0
    assert 0 < result.p50_ms <= result.p99_ms


def test_floor() -> None:
    """The floor is measured by the same means as the service."""
    with floor() as peer:
        check_fanout(peer)


def test_service(tmp_path: Path) -> None:
    """So is the service: fan-out, writes, returning readers, and a book with many reviews."""
    with service(tmp_path) as peer:
        check_fanout(peer)
        assert measures.writes(peer, writers=2, seconds=0.2) > 0
        assert measures.catch_up(peer, readers=5, missed=3).seconds > 0
        measures.fill(peer, 4, 500)
        assert measures.opening(peer, 4).page_ms > 0


def test_tables() -> None:
    """A table names its columns, and has a line for each row."""
    shown = show({"stored": [{"": "embedded", "per_second": 12.5}]})

    assert shown.split() == ["stored", "per_second", "embedded", "12.50"]
