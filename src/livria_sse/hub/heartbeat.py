"""The heartbeat: one ticker for all subscribers of a process, spread over its interval."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import cycle

from livria_sse.hub.subscriber import Subscriber

TICK_SECONDS = 1.0


class Heartbeat:
    """Visits every subscriber once in an interval, a slice of them at every tick."""

    def __init__(self, visit: Callable[[Subscriber, float], None], *, seconds: int) -> None:
        self._visit = visit
        self._slices: list[set[Subscriber]] = [set() for _ in range(seconds)]
        self._next_to_fill = cycle(self._slices)

    def add(self, subscriber: Subscriber) -> None:
        """Visits a subscriber from now on."""
        next(self._next_to_fill).add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Visits a subscriber no more."""
        for part in self._slices:
            part.discard(subscriber)

    async def run(self) -> None:
        """Ticks until it is cancelled."""
        loop = asyncio.get_running_loop()
        for part in cycle(self._slices):
            await asyncio.sleep(TICK_SECONDS)
            now = loop.time()
            for subscriber in tuple(part):
                self._visit(subscriber, now)
