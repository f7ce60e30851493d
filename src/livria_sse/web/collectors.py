"""The collectors: what is read from each part of the service when its metrics are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from livria_sse.hub import Hub, Statistics
from livria_sse.store import Store
from livria_sse.throttle import Throttle
from livria_sse.web.pace import Pace
from livria_sse.web.peers import Peers


def collectors(
    hub: Hub, throttle: Throttle, store: Store, peers: Peers, pace: Pace
) -> list[Collector]:
    """Those of all parts."""
    return [
        HubCollector(hub),
        ThrottleCollector(throttle),
        StoreCollector(store),
        AddressesCollector(peers, pace),
    ]


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


class AddressesCollector(Collector):
    """Reads what was done about addresses that connect or ask too much."""

    def __init__(self, peers: Peers, pace: Pace) -> None:
        self._peers = peers
        self._pace = pace

    def collect(self) -> Iterator[Metric]:
        """Their numbers."""
        yield _counted(
            "livria_connections_refused", "Connections closed.", "limit", self._peers.refused
        )
        yield _counted(
            "livria_requests_hasty", "Requests faster than the pace.", "outcome", self._pace.hasty
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
