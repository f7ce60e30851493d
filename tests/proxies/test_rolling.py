"""A rolling restart behind real proxies, with readers and writers all the time."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.fleet.fleet import Fleet, open_fleet
from tests.fleet.play import play
from tests.parts import KINDS_AT_LENGTH, Kind, ReverseProxy, ServerProcess
from tests.waiting import until

#: Requests of writers that may come to nothing. Proxies that ask for `/readyz` know in time that a
#: process stops; nginx learns it as it is gone, from what is on its way at that moment.
MOST_FAILURES: Mapping[Kind, int] = {"haproxy": 0, "caddy": 0, "nginx": 3, "apache": 0}


def takes_reviews(server: ServerProcess) -> bool:
    """Whether the proxy has found a process that was started, and sends writers there."""
    with urlopen(f"{server.url}/metrics") as answer:  # noqa: S310 - it is our own
        metrics = answer.read().decode()
    sample = re.search(r"^livria_write_group_size_count (.*)$", metrics, re.MULTILINE)
    return bool(sample and float(sample[1]))


async def restarted(fleet: Fleet) -> None:
    """One process after the other is stopped, as a deploy does, and started again."""
    for server in fleet.servers:
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        await until(lambda server=server: takes_reviews(server))  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS_AT_LENGTH)
@pytest.mark.parametrize(
    ("readers", "longest_away"),
    [(40, math.inf), pytest.param(500, 5.0, marks=pytest.mark.long)],
    ids=["few", "many"],
)
def test_rolling_restart(tmp_path: Path, kind: Kind, readers: int, longest_away: float) -> None:
    """Every reader is back soon, and has every review once; writers are answered."""
    folder = tmp_path / "proxy"
    folder.mkdir()
    with open_fleet(
        tmp_path, processes=2, trusted_proxies="127.0.0.1", notice_seconds="2"
    ) as fleet:
        ports = [server.port for server in fleet.servers]
        with ReverseProxy(kind, folder, *ports) as proxy:
            playing = play(fleet, restarted, readers_each=readers // 4, proxy=proxy)
            outcome = asyncio.run(playing)

    outcome.assert_converged()
    failures = [
        failure
        for ledger in outcome.ledgers.values()
        for failure in (*ledger.refused, *ledger.broken)
    ]
    assert len(failures) <= MOST_FAILURES[kind], failures
    absences = [seconds for reader in outcome.readers for seconds in reader.absences]
    assert len(absences) >= readers
    assert max(absences) < longest_away
