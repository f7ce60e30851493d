"""Waiting for conditions, never for time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

#: A wait that takes longer is a failure.
LONGEST_SECONDS = 60


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits until a condition holds, which may be asked for."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while not await _holds(condition):  # noqa: ASYNC110 - nobody tells when it does
            await asyncio.sleep(0.01)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return answer if isinstance(answer, bool) else await answer
