"""Deadlines for many, without a timer for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

LOOK_SECONDS = 1.0


class Deadlines(Generic[T]):
    """Gives up those who have kept us waiting for too long.

    One look a second for all of them, and that at those who wait longest.
    """

    def __init__(self, give_up: Callable[[T], None], *, seconds: float) -> None:
        self._give_up = give_up
        self._seconds = seconds
        #: Since when they wait, in the event loop's time; who waits longest comes first.
        self._since: dict[T, float] = {}

    def add(self, one: T) -> None:
        """Begins to wait for one, or begins anew."""
        self.discard(one)
        self._since[one] = asyncio.get_running_loop().time()

    def discard(self, one: T) -> None:
        """Waits for one no more."""
        self._since.pop(one, None)

    def pop(self) -> T:
        """The one that waits longest, for whom we wait no more.

        Raises:
            StopIteration: We wait for nobody.
        """
        longest = next(iter(self._since))
        self.discard(longest)
        return longest

    def __contains__(self, one: T) -> bool:
        return one in self._since

    def end(self) -> None:
        """Gives up all, whether they have waited for long or not."""
        for one in tuple(self._since):
            self.discard(one)
            self._give_up(one)

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for one in tuple(self._overdue()):
                self.discard(one)
                self._give_up(one)

    def _overdue(self) -> Iterator[T]:
        latest = asyncio.get_running_loop().time() - self._seconds
        for one, since in self._since.items():
            if since > latest:
                return
            yield one
