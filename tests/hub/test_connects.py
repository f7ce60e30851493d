"""How often addresses connect, here and everywhere."""

from __future__ import annotations

import pytest
from tests.waiting import until

from livria_sse.hub import Connects, connects as connects_module

ONE, OTHER, THIRD = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def admitted(connects: Connects, address: str, *, of: int) -> int:
    """How many of so many connects are admitted."""
    return sum([connects.count(address) for _ in range(of)])


async def test_busy_addresses() -> None:
    """When a second is over, those who came often are told, and told once; few are nobody's."""
    connects = Connects(100)
    admitted(connects, ONE, of=11)
    admitted(connects, OTHER, of=10)
    assert connects.busy() == {}

    told: list[dict[str, int]] = []

    def somebody_is_told() -> bool:
        told.append(connects.busy())
        return bool(told[-1])

    await until(somebody_is_told)
    assert told[-1] == {ONE: 11}
    assert connects.busy() == {}


async def test_the_busiest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many only the busiest are told."""
    monkeypatch.setattr(connects_module, "MOST_TOLD", 2)
    connects = Connects(1)
    for often, address in enumerate([ONE, OTHER, THIRD], start=1):
        admitted(connects, address, of=often)

    await until(lambda: connects.busy() == {THIRD: 3, OTHER: 2})


async def test_a_part_of_the_limit() -> None:
    """Who is over the limit everywhere may open here what came here of it; others the limit.

    Those who come to one process alone have all of it.
    """
    here, there = Connects(100), Connects(100)
    everywhere = {ONE: 400, OTHER: 100, THIRD: 1_000}
    here.learn({ONE: 300, OTHER: 60, THIRD: 1_000}, everywhere)
    there.learn({ONE: 100, OTHER: 40}, everywhere)

    assert admitted(here, ONE, of=200) == 75
    assert admitted(there, ONE, of=200) == 25
    assert admitted(here, OTHER, of=200) == admitted(here, THIRD, of=200) == 100


async def test_everybody_has_a_part() -> None:
    """However many come elsewhere, one may come here; and the whole limit when they are gone."""
    connects = Connects(100)
    connects.learn({ONE: 11}, {ONE: 100_000})
    assert admitted(connects, ONE, of=5) == 1

    connects.learn({}, {})
    assert admitted(connects, ONE, of=200) == 95  # of 100 in this second, five of them counted
