"""uvicorn as we run it: streams end before it waits for them; several processes if need be."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from contextlib import suppress
from types import FrameType
from typing import Literal

import click
import uvicorn
from starlette.applications import Starlette

from livria_sse.application import create_app
from livria_sse.errors import InvalidSettings
from livria_sse.server.protocol import UVICORN, DetachingProtocol
from livria_sse.settings import Settings
from livria_sse.workers import Workers

logger = logging.getLogger(__name__)

#: How long requests that are under way may take after the streams were told to end.
GRACE_SECONDS = 10
#: Connections that wait to be accepted: a herd of readers comes back at once.
BACKLOG = 2048
#: How often the date in the headers is renewed.
TICK_SECONDS = 1.0


class Server(uvicorn.Server):
    """Drains the hub when it is told to stop.

    uvicorn waits for open connections before it ends the lifespan: an application that ended its
    streams there would never come to it.
    """

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                workers=1,
                http=_http(),
                ws="none",
                lifespan="on",
                backlog=BACKLOG,
                access_log=False,
                server_header=False,
                log_config=None,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app = app
        self._told = asyncio.Event()

    async def main_loop(self) -> None:
        """Waits until it is told to stop. uvicorn's own wakes ten times a second."""
        # What is there by now stays; that the collector looks at it no more saves a quarter of a
        # connect (155 instead of 208 µs at 10,000 readers). Rarer collections saved nothing.
        gc.collect()
        gc.freeze()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes note of a signal."""
        super().handle_exit(sig, frame)
        self._told.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams, then everything else."""
        await self._app.state.hub.drain()
        await super().shutdown(sockets)


def _http() -> type[asyncio.Protocol] | Literal["auto"]:
    if uvicorn.__version__.startswith(UVICORN):
        return DetachingProtocol
    logger.warning("uvicorn %s is not known here: each stream costs more", uvicorn.__version__)
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
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise InvalidSettings(f"LIVRIA_HOST, LIVRIA_PORT: {where}: {error.strerror}") from error


def serve(app: Starlette, settings: Settings) -> None:
    """Serves the application until it is told to stop, and prints the address to open first.

    With several processes, each makes an application of its own from the settings.

    Raises:
        InvalidSettings: It cannot listen at that address.
    """
    _configure_logging(settings)
    with _listen(settings) as listener:
        click.echo(f"livria-sse: open {_address(listener)}")
        if settings.workers > 1:
            Workers(settings.workers, _work, settings, listener).run()
        else:
            Server(app).run([listener])


def _work(settings: Settings, listener: socket.socket) -> None:
    _configure_logging(settings)
    Server(create_app(settings)).run([listener])


def _configure_logging(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for talkative in ("uvicorn.error", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
