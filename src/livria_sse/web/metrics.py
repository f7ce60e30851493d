"""The metrics: what the service is doing, in the Prometheus text format."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from livria_sse.tallies import Tallies
from livria_sse.tasks import Tasks, kept

logger = logging.getLogger(__name__)

#: How often a worker tells the others what it has counted.
TELL_SECONDS = 1.0
#: Gauges that are not added up: of several workers, the highest is told. Books among them, as one
#: that is watched at several workers is one book.
HIGHEST = frozenset(
    {
        "livria_books_watched",
        "livria_degraded",
        "livria_loop_lag_seconds",
        "livria_publisher_age_seconds",
        "livria_redis_away",
    }
)


class Metrics:
    """The numbers of this process; with tallies, those of all workers of its server.

    One that is asked tells its own before it reads those of the others: whoever is asked next knows
    of all that was ever answered, so that no counter falls. Files are touched in a thread, and one
    after the other.
    """

    def __init__(
        self, parts: list[Collector], tallies: Tallies | None, thread: ThreadPoolExecutor
    ) -> None:
        self._registry = CollectorRegistry()
        for part in parts:
            self._registry.register(part)
        self._tallies = tallies
        self._thread = thread
        self._failed = False

    async def text(self) -> bytes:
        """The numbers."""
        own = generate_latest(self._registry)
        if self._tallies is None:
            return own
        return await self._try(partial(_exchanged, self._tallies, own)) or own

    async def tell(self) -> None:
        """Tells the other workers what this one has counted."""
        if self._tallies:
            await self._try(
                partial(self._tallies.tell, os.getpid(), generate_latest(self._registry))
            )

    async def tell_on(self) -> None:
        """Tells them again and again, until it is cancelled."""
        while True:
            await self.tell()
            await asyncio.sleep(TELL_SECONDS)

    async def _try(self, work: Callable[[], bytes | None]) -> bytes | None:
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except OSError as error:
            if not self._failed:
                logger.warning("/metrics may lack other workers: %(why)s", {"why": error})
            self._failed = True
            return None
        self._failed = False
        return done


def _exchanged(tallies: Tallies, own: bytes) -> bytes:
    tallies.tell(os.getpid(), own)
    return tallies.summed(HIGHEST)


@asynccontextmanager
async def open_metrics(parts: list[Collector], tallies: Tallies | None) -> AsyncIterator[Metrics]:
    """The metrics of these parts; what they count is told to the last."""
    tasks = Tasks()
    with ThreadPoolExecutor(1, thread_name_prefix="tallies") as thread:
        metrics = Metrics(parts, tallies, thread)
        await metrics.tell()
        if tallies:
            tasks.spawn(kept(metrics.tell_on))
        try:
            yield metrics
        finally:
            await tasks.cancel()
            await metrics.tell()
