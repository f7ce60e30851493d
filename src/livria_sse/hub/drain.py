"""The drain: how all streams of a process end that stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from livria_sse.hub.subscriber import Subscriber

#: So many streams are ended at once; then there is a pause of at most so long, unless it is late.
SLICE, LONGEST_PAUSE = 20, 0.05


async def paced(
    subscribers: Sequence[Subscriber], end: Callable[[Subscriber], None], *, seconds: float
) -> None:
    """Ends all of them, spread over some seconds if they are many.

    So their readers do not come back to the other processes all at once.
    """
    clock = asyncio.get_running_loop().time
    began_at = clock()
    apart = min(LONGEST_PAUSE / SLICE, seconds / max(len(subscribers), 1))
    for number, subscriber in enumerate(subscribers, start=1):
        end(subscriber)
        if number % SLICE == 0:
            await asyncio.sleep(max(0.0, began_at + number * apart - clock()))
