"""The heartbeat: one ticker for all subscribers of a process, spread over its interval."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from itertools import chain, cycle
from typing import Protocol

from livria_sse.hub.subscriber import Subscriber

TICK_SECONDS = 0.25
#: Visits in a row before others have their turn: less than 5 ms of one core.
SLICE = 100


class Visit(Protocol):
    """What is done with a subscriber, at a time; `between` two heartbeats, or for one."""

    def __call__(self, subscriber: Subscriber, now: float, *, between: bool) -> None:
        """Does it."""


class Heartbeat:
    """Visits every subscriber once in an interval, a part of them at every tick.

    Those who have a shorter interval of their own are in several parts, and are visited between the
    heartbeats, too.
    """

    def __init__(self, visit: Visit, *, seconds: int) -> None:
        self._visit = visit
        self._parts: list[set[Subscriber]] = [set() for _ in range(round(seconds / TICK_SECONDS))]
        self._visited = 0
        #: How late the event loop was for the last tick, in seconds.
        self.lag = 0.0
        # Not the whole interval: nobody is visited who has only just been welcomed.
        self._ticks_ahead = cycle(range(len(self._parts) // 2, len(self._parts)))

    @property
    def subscribers(self) -> Sequence[Subscriber]:
        """All whom it visits."""
        return tuple(dict.fromkeys(chain.from_iterable(self._parts)))

    def add(self, subscriber: Subscriber) -> None:
        """Visits a subscriber from now on, for the first time after half an interval or later.

        With an interval of its own, that is at most as long, it may be at the next tick.
        """
        subscriber.part = (self._visited + next(self._ticks_ahead)) % len(self._parts)
        for part in self._parts_of(subscriber):
            part.add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Visits a subscriber no more."""
        for part in self._parts_of(subscriber):
            part.discard(subscriber)

    def _parts_of(self, subscriber: Subscriber) -> Iterator[set[Subscriber]]:
        most = len(self._parts)
        visits = math.ceil(most * TICK_SECONDS / subscriber.interval)
        for visit in range(visits):
            yield self._parts[(subscriber.part + most * visit // visits) % most]

    async def run(self) -> None:
        """Ticks until it is cancelled."""
        for number, part in cycle(enumerate(self._parts)):
            self._visited = number
            await self._visit_all(tuple(part))
            await self._tick()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        self.lag = max(0.0, loop.time() - due)

    async def _visit_all(self, subscribers: tuple[Subscriber, ...]) -> None:
        now = asyncio.get_running_loop().time()
        for number, subscriber in enumerate(subscribers, start=1):
            self._visit(subscriber, now, between=subscriber.part != self._visited)
            if number % SLICE == 0:
                await asyncio.sleep(0)
