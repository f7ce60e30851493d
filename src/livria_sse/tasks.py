"""The tasks that a part of the service has under way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

Task = asyncio.Task[None]

#: Seconds before something that goes on for ever is begun again after it has failed.
RESTART_SECONDS = 1.0
#: Seconds before a task that was cancelled and goes on is cancelled again.
CANCEL_SECONDS = 0.5


class Tasks:
    """Keeps tasks until they end, as asyncio itself holds them weakly, and reports failures."""

    def __init__(self) -> None:
        self._tasks: set[Task] = set()

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> Task:
        """Runs some work in a task of its own."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """The same, for work that nobody waits for."""
        _ = self.start(work)

    async def finish(self, *, seconds: float) -> None:
        """Lets all of them end by themselves, for so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def cancel(self) -> None:
        """Ends all of them, also those in which some library swallows the first word of it."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=CANCEL_SECONDS)

    def _ended(self, task: Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a task failed", exc_info=error)


async def kept(work: Callable[[], Awaitable[None]]) -> None:
    """Does what goes on until it is cancelled, and begins it again if it fails.

    What makes the service heal itself must survive what nobody has foreseen.
    """
    while True:
        try:
            return await work()
        except Exception:
            logger.exception("%s failed and is begun again", getattr(work, "__qualname__", work))
        await asyncio.sleep(RESTART_SECONDS)
