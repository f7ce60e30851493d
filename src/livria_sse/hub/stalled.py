"""The stalled: readers whose sockets are full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from livria_sse.hub.subscriber import Subscriber

LOOK_SECONDS = 1.0


class Stalled:
    """Gives up those whose readers have taken nothing for too long.

    One look a second for all of them, and that at those who wait longest.
    """

    def __init__(self, give_up: Callable[[Subscriber], None], *, seconds: int) -> None:
        self._give_up = give_up
        self._seconds = seconds
        #: Since when they wait, in the event loop's time; who waits longest comes first.
        self._since: dict[Subscriber, float] = {}

    def add(self, subscriber: Subscriber) -> None:
        """Begins to wait, or begins anew: its reader has just taken something."""
        self.discard(subscriber)
        self._since[subscriber] = asyncio.get_running_loop().time()

    def discard(self, subscriber: Subscriber) -> None:
        """Waits no more."""
        self._since.pop(subscriber, None)

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for subscriber in tuple(self._overdue()):
                self.discard(subscriber)
                self._give_up(subscriber)

    def _overdue(self) -> Iterator[Subscriber]:
        latest = asyncio.get_running_loop().time() - self._seconds
        for subscriber, since in self._since.items():
            if since > latest:
                return
            yield subscriber
