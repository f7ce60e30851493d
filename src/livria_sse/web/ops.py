"""For operators: is it alive, is it ready, what is it doing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response

from livria_sse.errors import StoreUnavailable
from livria_sse.hub import Hub
from livria_sse.throttle import Throttle
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.resource import resource
from livria_sse.web.state import Request

#: A database that takes longer to answer is not ready.
READY_SECONDS = 2.0


async def alive(_request: Request) -> Response:
    """200 as long as the process answers at all."""
    return JSONAnswer({"status": "ok"})


async def ready(request: Request) -> Response:
    """200 if requests can be served, else 503; with the reason if it is not as it should be."""
    if request.state["hub"].draining:
        return JSONAnswer({"status": "unready", "reason": "the server stops"}, 503)
    try:
        async with asyncio.timeout(READY_SECONDS):
            await request.state["store"].facts.epoch()
    except (StoreUnavailable, TimeoutError):
        return JSONAnswer({"status": "unready", "reason": "the database does not answer"}, 503)
    if degraded := request.state["hub"].degraded:
        return JSONAnswer({"status": "degraded", "reason": degraded})
    return JSONAnswer({"status": "ok"})


async def metrics(request: Request) -> Response:
    """The numbers of the hub and of the throttle in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(HubCollector(request.state["hub"]))
    registry.register(ThrottleCollector(request.state["throttle"]))
    return Response(
        generate_latest(registry),
        media_type="text/plain; version=0.0.4",
        headers={"Cache-Control": "no-store"},
    )


class HubCollector(Collector):
    """Reads the hub's statistics when it is asked; nothing is counted twice."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """The hub's numbers."""
        numbers = self._hub.statistics()
        yield GaugeMetricFamily("livria_streams_open", "Open streams.", numbers.streams)
        yield GaugeMetricFamily("livria_books_watched", "Books with open streams.", numbers.books)
        yield _counted("livria_streams_opened", "Streams opened.", "mode", numbers.opened)
        yield _counted("livria_streams_closed", "Streams closed.", "reason", numbers.closed)
        yield _counted("livria_streams_refused", "Streams sent away.", "limit", numbers.refused)
        yield CounterMetricFamily(
            "livria_deliveries", "Differences written to readers.", numbers.deliveries
        )
        yield from _without_times(numbers.push_seconds)
        yield CounterMetricFamily("livria_log_reads", "Reads of the log.", numbers.reads)
        yield GaugeMetricFamily(
            "livria_publisher_backlog", "Books with changes to be published.", numbers.backlog
        )
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


def _without_times(histogram: Histogram) -> Iterator[Metric]:
    for family in histogram.collect():  # which adds when it was made
        family.samples = [each for each in family.samples if not each.name.endswith("_created")]
        yield family


def _counted(name: str, text: str, label: str, numbers: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family


ROUTES = [
    resource("/healthz", GET=alive),
    resource("/readyz", GET=ready),
    resource("/metrics", GET=metrics),
]
