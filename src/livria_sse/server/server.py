"""uvicorn as we run it: streams end before it waits for them; several processes if need be."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import click
import uvicorn
from starlette.applications import Starlette

from livria_sse import __version__
from livria_sse.application import create_app
from livria_sse.deadlines import Deadlines
from livria_sse.errors import InvalidSettings
from livria_sse.logs import configure_logging
from livria_sse.server.files import fitted, places
from livria_sse.server.guard import GuardedProtocol
from livria_sse.server.protocol import UVICORN, DetachingProtocol
from livria_sse.server.sizes import Sizes
from livria_sse.settings import Settings, warn_of_unknown
from livria_sse.tallies import Tallies, open_tallies
from livria_sse.tasks import Tasks, kept
from livria_sse.workers import REPLACED, Workers

logger = logging.getLogger(__name__)

#: How long requests that are under way may take after the streams were told to end.
GRACE_SECONDS = 10
#: Connections that wait to be accepted: a herd of readers comes back at once.
BACKLOG = 2048
#: When a client counts as vanished: what was sent is not confirmed for 30 s, or nothing was sent
#: and it does not answer three questions. A connection has the options of its listener (tcp(7)).
VANISHED = {"TCP_USER_TIMEOUT": 30_000, "TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
#: Of every answer of a process that stops: whoever asks for more connects to another.
LAST_ANSWER = (b"connection", b"close")
#: How often the date in the headers is renewed.
TICK_SECONDS = 1.0
#: How long a thread waits that wants to go on, before another is asked to let it. A commit asks
#: several times: with Python's 5 ms, a POST took twice as long while the event loop was busy.
SWITCH_SECONDS = 0.0001


class Server(uvicorn.Server):
    """Drains the hub when it is told to stop.

    uvicorn waits for open connections before it ends the lifespan: an application that ended its
    streams there would never come to it.
    """

    def __init__(
        self, app: Starlette, settings: Settings, begun: Callable[[], None] | None = None
    ) -> None:
        seconds = settings.request_seconds if settings.limits else math.inf
        self._deadlines = Deadlines(GuardedProtocol.give_up, seconds=seconds)
        super().__init__(
            uvicorn.Config(
                app,
                workers=1,
                http=_http(
                    deadlines=self._deadlines,
                    peers=app.state.peers,
                    places=places(settings),
                    sizes=Sizes.of(settings),
                ),
                ws="none",
                lifespan="on",
                backlog=BACKLOG,
                access_log=False,
                server_header=False,
                log_config=None,
                proxy_headers=False,  # the application looks at them itself
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app = app
        self._notice_seconds = settings.notice_seconds
        self._begun = begun
        self._told = asyncio.Event()
        self._replaced = False
        #: Whether there may be proxies that are to notice that it stops, and to ask elsewhere.
        self._noticed = False
        self._tasks = Tasks()

    async def main_loop(self) -> None:
        """Waits until it is told to stop. uvicorn's own wakes ten times a second."""
        # What is there by now stays; that the collector looks at it no more saves a quarter of a
        # connect (155 instead of 208 µs at 10,000 readers). Rarer collections saved nothing.
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._tasks.spawn(kept(self._deadlines.run))
        if self._begun:
            self._begun()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes note of a signal; the next SIGINT ends the process at once.

        uvicorn's own would end it with the signal's status, as if it had not ended cleanly.
        """
        if not self.should_exit:  # a worker that a terminal has told is told by its supervisor, too
            self._replaced = sig == REPLACED
            self._noticed = sig == signal.SIGTERM
        self.should_exit = True
        self._told.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams, then everything else."""
        clock = asyncio.get_running_loop().time
        told_at = clock()
        hub = self._app.state.hub
        logger.info("told to stop: streams=%(streams)d", {"streams": hub.statistics().streams})
        await self._give_notice()
        for listener in self.servers if self._replaced else ():
            listener.close()
        await hub.drain()
        await _accept_all()
        # Who does not send the rest of a request is told so before uvicorn loses patience.
        last = asyncio.get_running_loop().call_later(GRACE_SECONDS - 1, self._deadlines.end)
        await super().shutdown(sockets)
        last.cancel()
        await self._tasks.cancel()
        logger.info("stopped: seconds=%(seconds).1f", {"seconds": round(clock() - told_at, 1)})

    async def _give_notice(self) -> None:
        self._app.state.hub.stop()
        self.server_state.default_headers.append(LAST_ANSWER)
        if self._noticed:
            await asyncio.sleep(self._notice_seconds)


async def _accept_all() -> None:
    # Who has connected and was not accepted yet is reset, with their request, as the listener is
    # closed: a round of the event loop to hear of them, one to accept them, one to greet them.
    for _ in range(3):
        await asyncio.sleep(0)


def _http(**given: Any) -> Any:
    if uvicorn.__version__.startswith(UVICORN):
        return partial(DetachingProtocol, **given)
    told = {"version": uvicorn.__version__}
    logger.warning(
        "uvicorn %(version)s is not known here: streams cost more, and nothing guards connections",
        told,
    )
    return "auto"


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - listening there was the operator's choice
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _listen(settings: Settings) -> socket.socket:
    address = settings.host, settings.port
    try:
        family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise InvalidSettings(f"LIVRIA_HOST, LIVRIA_PORT: {where}: {error.strerror}") from error
    for name, value in VANISHED.items():
        if option := getattr(socket, name, None):  # not every system has them all
            listener.setsockopt(socket.IPPROTO_TCP, option, value)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return listener


def prepared(settings: Settings) -> Settings:
    """Gets the process ready for an application; the settings, as far as it can follow them.

    Raises:
        InvalidSettings: It cannot open enough files.
    """
    configure_logging(settings)
    warn_of_unknown()
    return fitted(settings)


def serve(app: Starlette, settings: Settings) -> None:
    """Serves the application until it is told to stop, and prints the address to open first.

    With several processes, each makes an application of its own from the settings.

    Raises:
        InvalidSettings: It cannot listen at that address.
    """
    with _listen(settings) as listener:
        address = _address(listener)
        click.echo(f"livria-sse: open {address}")
        told = {"version": __version__, "address": address, "workers": settings.workers}
        logger.info("started: version=%(version)s address=%(address)s workers=%(workers)d", told)
        if settings.workers > 1:
            _serve_by_workers(settings, listener)
        else:
            server = Server(app, settings)
            if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # else somebody said nohup
                signal.signal(signal.SIGHUP, server.handle_exit)
            server.run([listener])


def _serve_by_workers(settings: Settings, listener: socket.socket) -> None:
    with open_tallies() as tallies:
        workers = Workers(
            settings.workers,
            _work,
            *(settings, listener, tallies),
            last_seconds=settings.notice_seconds + settings.drain_seconds + GRACE_SECONDS + 5,
            ended=tallies.end if tallies else None,
        )
        workers.run()
    if workers.hurried:
        sys.exit(128 + signal.SIGINT)  # as a shell says it of what was interrupted


def _work(
    begun: Callable[[], None],
    settings: Settings,
    listener: socket.socket,
    tallies: Tallies | None,
) -> None:
    configure_logging(settings)
    server = Server(create_app(settings, tallies), settings, begun)
    signal.signal(REPLACED, server.handle_exit)
    server.run([listener])
