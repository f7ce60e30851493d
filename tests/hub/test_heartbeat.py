"""The heartbeat, with subscribers that stand for open streams."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from itertools import pairwise

from hypothesis import given, strategies as st
from tests.hub.readers import stream
from tests.waiting import until

from livria_sse.hub import Subscriber
from livria_sse.hub.heartbeat import TICK_SECONDS, Heartbeat


class Visits:
    """What was done with whom."""

    def __init__(self) -> None:
        self.at: dict[Subscriber, float] = {}
        self.heartbeats = Counter[Subscriber]()
        self.between = Counter[Subscriber]()

    def __call__(self, subscriber: Subscriber, now: float, *, between: bool) -> None:
        """Takes note."""
        self.at[subscriber] = now
        (self.between if between else self.heartbeats)[subscriber] += 1


async def test_the_loop_is_late() -> None:
    """How long the event loop is held up by something is measured."""
    heartbeat = Heartbeat(Visits(), seconds=1)
    running = asyncio.create_task(heartbeat.run())
    loop = asyncio.get_running_loop()
    loop.call_later(TICK_SECONDS / 2, time.sleep, 4 * TICK_SECONDS)

    await until(lambda: heartbeat.lag >= TICK_SECONDS)
    running.cancel()


async def test_visits_are_spread() -> None:
    """Many who come at once are visited at several ticks, and none of them right away."""
    visits = Visits()
    heartbeat = Heartbeat(visits, seconds=1)
    running = asyncio.create_task(heartbeat.run())
    subscribers = [stream() for _ in range(100)]

    now = asyncio.get_running_loop().time()
    for subscriber in subscribers:
        heartbeat.add(subscriber)
    await until(lambda: len(visits.at) == len(subscribers))

    running.cancel()
    assert min(visits.at.values()) > now + 1.5 * TICK_SECONDS
    assert len(set(visits.at.values())) > 1


@given(st.integers(1, 30), st.integers(1, 30))
async def test_an_interval_of_ones_own(seconds: int, asked: int) -> None:
    """Who needs visits more often has them at least as often as they need; others have theirs."""
    visiting = Visits()
    heartbeat = Heartbeat(visiting, seconds=seconds)
    interval = min(asked, seconds)
    own, usual = stream(interval=interval), stream(interval=seconds)
    for subscriber in (usual, own):
        heartbeat.add(subscriber)

    visits = [number for number, part in enumerate(heartbeat._parts) if own in part]
    round_again = [*visits, visits[0] + len(heartbeat._parts)]
    gaps = [later - earlier for earlier, later in pairwise(round_again)]
    assert max(gaps) * TICK_SECONDS <= interval
    assert len(visits) == math.ceil(seconds / interval)
    assert sum(usual in part for part in heartbeat._parts) == 1
    assert set(heartbeat.subscribers) == {own, usual}
    assert len(heartbeat.subscribers) == 2
    for number, part in enumerate(heartbeat._parts):
        heartbeat._visited = number
        await heartbeat._visit_all(tuple(part))
    assert [visiting.heartbeats[each] for each in (own, usual)] == [1, 1]
    assert visiting.between == ({own: len(visits) - 1} if len(visits) > 1 else {})
    heartbeat.remove(own)
    assert heartbeat.subscribers == (usual,)
