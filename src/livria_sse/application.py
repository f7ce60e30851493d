"""The application: what it is made of, and in which order its parts open."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from livria_sse.auth import Auth, SiteTokens, open_passwords
from livria_sse.catalogue import sample_catalogue
from livria_sse.errors import InvalidSettings, TooManyRequests
from livria_sse.hub import Hub
from livria_sse.log import check_log, open_log
from livria_sse.rush import counted_together
from livria_sse.settings import Settings, warn_of_unknown
from livria_sse.store import Store, open_store
from livria_sse.tallies import Tallies
from livria_sse.throttle import open_throttle
from livria_sse.web import accounts, books, changes, openapi, ops, pages, reviews, stream, visits
from livria_sse.web.clients import Proxies
from livria_sse.web.collectors import collectors
from livria_sse.web.metrics import open_metrics
from livria_sse.web.middleware import OptionalSlash, SameSite
from livria_sse.web.origins import METHODS, READ, SENT, Origins
from livria_sse.web.pace import Pace
from livria_sse.web.peers import Peers
from livria_sse.web.problems import HANDLERS, problem
from livria_sse.web.state import State
from livria_sse.web.static import Static
from livria_sse.web.templating import open_templates
from livria_sse.web.turns import Turns
from livria_sse.web.wariness import Wariness

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[State]]


class Application(Starlette):
    """Starlette behind proxies, in turn.

    Streams go past its middleware, of which they need nothing.
    """

    def __init__(self, proxies: Proxies, turns: Turns, origins: Origins, **parts: Any) -> None:
        super().__init__(**parts)
        self._proxies = proxies
        self._turns = turns
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, unless its client asks too fast."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        self._proxies.reveal(scope)
        try:
            await self._turns.begin(scope)
        except TooManyRequests as error:
            of_stream = stream.is_asked(scope)
            refused = stream.turn_away if of_stream else self._origins.shown(problem(error), scope)
            await refused(scope, receive, send)
            return
        if asked := stream.asked_stream(scope):
            await asked(scope, receive, send)
        else:
            await super().__call__(scope, receive, self._turns.pace.counting(scope, send))


def create_app(settings: Settings, tallies: Tallies | None = None) -> Starlette:
    """The service as an ASGI application. Nothing is opened before its lifespan begins.

    With tallies, its metrics are those of all who share them.

    Raises:
        InvalidSettings: A key for tokens, or the address of Redis, cannot be used.
    """
    check_log(settings)
    origins = Origins(settings.allowed_origins)
    proxies = Proxies(settings.trusted_proxies)
    wariness = Wariness(settings)
    peers = Peers(settings, proxies, wariness)
    turns = Turns(Pace(settings, proxies, wariness))
    app = Application(
        proxies,
        turns,
        origins,
        routes=_routes(),
        middleware=[
            *_cross_origin(settings.allowed_origins),
            Middleware(SameSite, origins),
            Middleware(OptionalSlash),
        ],
        exception_handlers=HANDLERS,
        lifespan=_lifespan(settings, origins, peers, turns, tallies),
    )
    app.state.peers = peers  # for our own server, which lets them in
    app.router.redirect_slashes = False
    return app


def _routes() -> list[Route | Mount]:
    static = Static(directory=str(resources.files("livria_sse") / "static"))
    return [
        *changes.ROUTES,
        *reviews.ROUTES,
        *books.ROUTES,
        *accounts.ROUTES,
        *stream.ROUTES,
        *ops.ROUTES,
        *openapi.ROUTES,
        *pages.ROUTES,
        *visits.ROUTES,
        Mount("/static", static),
    ]


def _cross_origin(listed: tuple[str, ...]) -> list[Middleware]:
    if not listed:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=listed,
            allow_credentials=True,
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=READ,
        )
    ]


def _lifespan(
    settings: Settings, origins: Origins, peers: Peers, turns: Turns, tallies: Tallies | None
) -> Lifespan:
    site_tokens = SiteTokens(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:
        lifetime = timedelta(days=settings.session_days)
        async with open_store(settings.database_url) as store, open_passwords() as passwords:
            if settings.sample_books:
                await _add_sample_books(store)
            auth = Auth(store, passwords, site_tokens, lifetime=lifetime)
            async with (
                open_throttle(settings) as throttle,
                open_log(store, settings) as log,
                Hub(log, settings).running() as hub,
                counted_together(hub.connects, settings),
                open_metrics(
                    collectors(hub, throttle, store, peers, turns.pace), tallies
                ) as metrics,
            ):
                app.state.hub = hub  # for the server, which drains it before the lifespan ends
                yield {
                    "store": store,
                    "hub": hub,
                    "auth": auth,
                    "throttle": throttle,
                    "templates": open_templates(),
                    "origins": origins,
                    "metrics": metrics,
                    "turns": turns,
                    "largest_body": settings.max_body_bytes if settings.limits else sys.maxsize,
                }

    return lifespan


def app_from_environment() -> Starlette:
    """The application for `uvicorn livria_sse:app`; a wrong setting ends the process, in a line."""
    warn_of_unknown()
    try:
        return create_app(Settings.from_environment())
    except InvalidSettings as error:
        sys.stderr.write(f"livria-sse: {error}\n")
        sys.exit(2)


async def _add_sample_books(store: Store) -> None:
    """Fills an empty catalogue; a catalogue with books is left as it is."""
    if not await store.books.count():
        await store.books.put(sample_catalogue())
