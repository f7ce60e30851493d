"""The heartbeat: one ticker for all subscribers of a process, spread over its interval."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import cycle

from livria_sse.hub.subscriber import Subscriber

TICK_SECONDS = 0.25
#: Visits in a row before others have their turn: less than 5 ms of one core.
SLICE = 100


class Heartbeat:
    """Visits every subscriber once in an interval, a part of them at every tick."""

    def __init__(self, visit: Callable[[Subscriber, float], None], *, seconds: int) -> None:
        self._visit = visit
        self._parts: list[set[Subscriber]] = [set() for _ in range(round(seconds / TICK_SECONDS))]
        self._next_to_fill = cycle(range(len(self._parts)))

    def add(self, subscriber: Subscriber) -> None:
        """Visits a subscriber from now on."""
        subscriber.part = next(self._next_to_fill)
        self._parts[subscriber.part].add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Visits a subscriber no more."""
        self._parts[subscriber.part].discard(subscriber)

    async def run(self) -> None:
        """Ticks until it is cancelled."""
        for part in cycle(self._parts):
            await asyncio.sleep(TICK_SECONDS)
            await self._visit_all(tuple(part))

    async def _visit_all(self, subscribers: tuple[Subscriber, ...]) -> None:
        now = asyncio.get_running_loop().time()
        for number, subscriber in enumerate(subscribers, start=1):
            self._visit(subscriber, now)
            if number % SLICE == 0:
                await asyncio.sleep(0)
