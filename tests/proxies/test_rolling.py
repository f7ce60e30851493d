"""A rolling restart behind real proxies, with readers and writers all the time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from tests.fleet.fleet import Fleet, open_fleet
from tests.fleet.play import Entrance, play
from tests.parts import Kind, ReverseProxy

#: How long a reader may be away; the server asks them to come back after 1.5 to 2.5 s.
LONGEST_AWAY = 5.0


async def restarted(fleet: Fleet) -> None:
    """One process after the other is stopped, as a deploy does, and started again."""
    for server in fleet.servers:
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)


@pytest.mark.parametrize(
    "readers", [40, pytest.param(500, marks=pytest.mark.long)], ids=["few", "many"]
)
def test_rolling_restart(tmp_path: Path, kind: Kind, readers: int) -> None:
    """Every reader is back soon, and has every review once."""
    folder = tmp_path / "proxy"
    folder.mkdir()
    with open_fleet(tmp_path, processes=2, trusted_proxies="127.0.0.1") as fleet:
        ports = [server.port for server in fleet.servers]
        with ReverseProxy(kind, folder, *ports) as proxy:
            entrance = Entrance(proxy.url, readers=readers)
            outcome = asyncio.run(play(fleet, restarted, books=2, entrance=entrance))

            outcome.assert_converged()
            assert {reader.closed for reader in outcome.readers} <= {1, 2}
            away = [
                back - gone
                for reader in outcome.readers
                for gone, back in zip(reader.gone_at, reader.back_at[1:], strict=False)
            ]
            print(f"{kind}: {len(away)} absences, the longest {max(away):.2f} s")
            assert max(away) < LONGEST_AWAY
