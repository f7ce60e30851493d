"""The metrics: what the service is doing, in the Prometheus text format."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from livria_sse.hub import Hub, Statistics
from livria_sse.store import Store
from livria_sse.tallies import Tallies
from livria_sse.tasks import Tasks, kept
from livria_sse.throttle import Throttle
from livria_sse.web.peers import Peers

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
                logger.warning("/metrics may lack other workers: %s", error)
            self._failed = True
            return None
        self._failed = False
        return done


def _exchanged(tallies: Tallies, own: bytes) -> bytes:
    tallies.tell(os.getpid(), own)
    return tallies.summed(HIGHEST)


@asynccontextmanager
async def open_metrics(
    hub: Hub, throttle: Throttle, store: Store, peers: Peers, tallies: Tallies | None
) -> AsyncIterator[Metrics]:
    """The metrics of these parts; what they count is told to the last."""
    tasks = Tasks()
    with ThreadPoolExecutor(1, thread_name_prefix="tallies") as thread:
        parts = [
            HubCollector(hub),
            ThrottleCollector(throttle),
            StoreCollector(store),
            PeersCollector(peers),
        ]
        metrics = Metrics(parts, tallies, thread)
        await metrics.tell()
        if tallies:
            tasks.spawn(kept(metrics.tell_on))
        try:
            yield metrics
        finally:
            await tasks.cancel()
            await metrics.tell()


class HubCollector(Collector):
    """Reads the hub's statistics when it is asked; nothing is counted twice."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """The hub's numbers."""
        numbers = self._hub.statistics()
        yield GaugeMetricFamily("livria_streams_open", "Open streams.", numbers.streams)
        yield GaugeMetricFamily(
            "livria_books_watched", "Books with open streams in one process.", numbers.books
        )
        yield _counted("livria_streams_opened", "Streams opened.", "mode", numbers.opened)
        yield _resumes(numbers)
        yield _counted("livria_streams_closed", "Streams closed.", "reason", numbers.closed)
        yield _counted("livria_streams_refused", "Streams sent away.", "limit", numbers.refused)
        yield CounterMetricFamily(
            "livria_deliveries", "Differences written to readers.", numbers.deliveries
        )
        yield from _without_times(numbers.push_seconds)
        yield from _without_times(numbers.lags)
        yield _counted("livria_log_reads", "Reads of the log.", "rung", numbers.reads)
        yield GaugeMetricFamily(
            "livria_publisher_backlog", "Books with changes to be published.", numbers.backlog
        )
        yield GaugeMetricFamily(
            "livria_publisher_age_seconds",
            "How long the oldest change has waited to be published.",
            numbers.backlog_seconds,
        )
        yield _redis_away(numbers)
        yield GaugeMetricFamily(
            "livria_degraded", "Whether others' changes come late.", numbers.degraded
        )
        yield GaugeMetricFamily(
            "livria_loop_lag_seconds", "How late the event loop was lately.", numbers.loop_lag
        )
        yield CounterMetricFamily(
            "livria_audit_repairs", "Feeds that the audit found behind.", numbers.repairs
        )


class ThrottleCollector(Collector):
    """Reads what the throttle has refused."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle

    def collect(self) -> Iterator[Metric]:
        """The throttle's numbers."""
        yield _counted(
            "livria_requests_refused", "Requests refused.", "limit", self._throttle.refused
        )


class StoreCollector(Collector):
    """Reads what the store has counted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """The store's numbers."""
        yield from _without_times(self._store.groups)


class PeersCollector(Collector):
    """Reads which connections our own server has closed for a limit."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def collect(self) -> Iterator[Metric]:
        """The peers' numbers."""
        yield _counted(
            "livria_connections_refused", "Connections closed.", "limit", self._peers.refused
        )


def _resumes(numbers: Statistics) -> Metric:
    family = CounterMetricFamily(
        "livria_resumes",
        "Streams opened from a position, by the rung that had what was missed.",
        labels=["mode", "rung"],
    )
    for rung, number in numbers.resumed.items():
        family.add_metric(["resumed", rung], number)
    family.add_metric(["reset", "none"], numbers.opened["reset"])
    return family


def _redis_away(numbers: Statistics) -> Metric:
    text = "Whether Redis does not do what is asked of it, by what that is."
    family = GaugeMetricFamily("livria_redis_away", text, labels=["way"])
    for way, cut in numbers.cut.items():
        family.add_metric([way], cut)
    return family


def _without_times(histogram: Histogram) -> Iterator[Metric]:
    for family in histogram.collect():  # which adds when it was made
        family.samples = [each for each in family.samples if not each.name.endswith("_created")]
        yield family


def _counted(name: str, text: str, label: str, numbers: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family
