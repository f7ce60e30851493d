"""Connections to Redis: one client for commands, one to listen.

Neither tries again by itself, as redis-py would ten times: it would repeat writes whose answer was
lost, resubscribe without saying so, and hold up whoever waits for 4 to 60 s (measured).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

SENTINEL_PORT = 26379

#: How long a command may take before Redis counts as away.
COMMAND_SECONDS = 1.0
#: The same for what makes and keeps a connection to listen on; its reads say themselves how long.
LISTENING_SECONDS = 1.0
#: More than are ever used at once; see `Link`.
CONNECTIONS = 64


def open_command_client(url: str) -> AbstractAsyncContextManager[Redis]:
    """A client for commands."""
    return _open(url, seconds=COMMAND_SECONDS)


def open_listening_client(url: str) -> AbstractAsyncContextManager[Redis]:
    """A client to listen on."""
    return _open(url, seconds=LISTENING_SECONDS)


@asynccontextmanager
async def _open(url: str, *, seconds: float) -> AsyncIterator[Redis]:
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
    }
    mine = {
        **options,
        "protocol": 2,  # one shape of replies, on every server from 6.2 on
        "client_name": "livria-sse",
        "max_connections": CONNECTIONS,
    }
    if urlsplit(url).scheme.endswith("+sentinel"):
        sentinels, name = _sentinels(url, options, mine)
        async with AsyncExitStack() as stack:
            for sentinel in sentinels.sentinels:  # nobody else closes them
                stack.push_async_callback(sentinel.aclose)
            yield await stack.enter_async_context(sentinels.master_for(name))
    else:
        async with Redis.from_url(url, **mine) as client:
            yield client


def _sentinels(url: str, options: dict[str, Any], mine: dict[str, Any]) -> tuple[Sentinel, str]:
    """Who knows the master, and its name.

    `redis+sentinel://[user:password@]host[:port],host[:port]/<name>[/<db>]`. User and password are
    the server's. The sentinels' own, if they have any, are `?sentinel_username=` and
    `?sentinel_password=`.
    """
    parts = urlsplit(url)
    name, _, db = parts.path.strip("/").partition("/")
    of_sentinels = {
        key.removeprefix("sentinel_"): value
        for key, value in parse_qsl(parts.query)
        if key in {"sentinel_username", "sentinel_password"}
    }
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        [_address(each) for each in parts.netloc.rpartition("@")[2].split(",")],
        sentinel_kwargs={**options, **of_sentinels},
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        db=int(db or 0),
        ssl=parts.scheme.startswith("rediss"),
        **mine,
    )
    return sentinels, name


def _address(host_and_port: str) -> tuple[str, int]:
    host, _, port = host_and_port.rpartition(":")
    return (host, int(port)) if host else (port, SENTINEL_PORT)
