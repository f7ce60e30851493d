"""For operators: is it alive, is it ready, what is it doing."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from livria_sse.errors import StoreUnavailable
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
    if request.state["hub"].stopping:
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
    """What the server is doing, in the Prometheus text format."""
    return Response(
        await request.state["metrics"].text(),
        media_type="text/plain; version=0.0.4",
        headers={"Cache-Control": "no-store"},
    )


ROUTES = [
    resource("/healthz", GET=alive),
    resource("/readyz", GET=ready),
    resource("/metrics", GET=metrics),
]
