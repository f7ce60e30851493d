"""Whose request begins next, when many come at once from one address."""

from __future__ import annotations

import asyncio

from livria_sse.web.turns import Turns
from tests.waiting import until


async def test_many_of_one_address_take_turns() -> None:
    """One of each address begins in a round of the event loop, in order, and all of them do."""
    turns = Turns()
    rounds: list[list[str]] = [[]]

    async def ask(address: str, number: int) -> None:
        await turns.take(address)
        rounds[-1].append(f"{address}{number}")

    async def count_rounds() -> None:
        while sum(map(len, rounds)) < 5:
            await asyncio.sleep(0)
            rounds.append([])

    asked = [("greedy", 1), ("greedy", 2), ("greedy", 3), ("greedy", 4), ("modest", 1)]
    await asyncio.gather(*(ask(*each) for each in asked), count_rounds())

    begun = [each for each in rounds if each]
    assert begun == [["greedy1", "modest1"], ["greedy2"], ["greedy3"], ["greedy4"]]


async def test_who_asks_alone_does_not_wait() -> None:
    """A request to which there is no other begins at once, whatever was asked for before."""
    turns = Turns()
    for _ in range(3):
        asking = turns.take("modest")
        try:
            asking.send(None)
        except StopIteration:
            pass
        else:
            raise AssertionError("it waits")
        await asyncio.sleep(0)


async def test_who_leaves_gives_the_turn_away() -> None:
    """A request that is given up while it waits keeps nobody behind it from beginning."""
    turns = Turns()
    asking = [asyncio.create_task(turns.take("greedy")) for _ in range(3)]
    await asyncio.sleep(0)
    _first, given_up, patient = asking
    given_up.cancel()

    async with asyncio.timeout(10):
        await patient
    assert given_up.cancelled()
    assert not patient.cancelled()


async def test_nothing_is_kept_of_who_asked() -> None:
    """When all have begun, nobody is remembered."""
    turns = Turns()
    await asyncio.gather(*(turns.take(f"192.0.2.{number % 10}") for number in range(50)))

    await until(lambda: not turns._waiting)
