"""Clients of Redis: one for commands, one to listen, one to count.

None tries again by itself, as redis-py would ten times: it would repeat writes whose answer was
lost, resubscribe without saying so, and hold up whoever waits for 4 to 60 s (measured).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import RedisError

SENTINEL_PORT = 26379

#: How long a command may take before Redis counts as away.
COMMAND_SECONDS = 1.0
#: More than are ever used at once; see `Link`.
CONNECTIONS = 64
#: What an address may ask for; the rest would undo what is chosen here.
QUERY = {"db", "username", "password", "sentinel_username", "sentinel_password"}
TLS_QUERY = {
    "ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile",
    "ssl_check_hostname",
}  # fmt: skip


def check_address(url: str) -> None:
    """Looks at an address without connecting.

    Raises:
        ValueError: It cannot be used; the reason quotes none of it, as it may hold a password.
    """
    parts = urlsplit(url)
    allowed = QUERY | TLS_QUERY if parts.scheme.startswith("rediss") else QUERY
    if {name for name, _ in parse_qsl(parts.query)} - allowed:
        raise ValueError(f"behind the ? only these are known here: {', '.join(sorted(allowed))}")
    try:
        if parts.scheme.endswith("+sentinel"):
            _sentinels(url)
        else:
            ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, RedisError) as error:
        raise ValueError("a port, a database number or an option in it is wrong") from error


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[Redis]:
    """A client of the Redis at an address, which need not answer at present."""
    if urlsplit(url).scheme.endswith("+sentinel"):
        sentinels, name = _sentinels(url)
        async with AsyncExitStack() as stack:
            for sentinel in sentinels.sentinels:  # nobody else closes them
                stack.push_async_callback(sentinel.aclose)
            yield await stack.enter_async_context(sentinels.master_for(name))
    else:
        async with Redis.from_url(url, **_options(), **_own_options()) as client:
            yield client


def _options() -> dict[str, Any]:
    return {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": COMMAND_SECONDS,
        "socket_connect_timeout": COMMAND_SECONDS,
    }


def _own_options() -> dict[str, Any]:
    return {
        "protocol": 2,  # one shape of replies, on every server from 6.2 on
        # Told where it is known (7.2), and not insisted on, as a client's name would be: some
        # users may not give one.
        "driver_info": DriverInfo("livria-sse"),
        "max_connections": CONNECTIONS,
    }


def _sentinels(url: str) -> tuple[Sentinel, str]:
    """Who knows the master, and its name.

    `redis+sentinel://[user:password@]host[:port],host[:port]/<name>[/<db>]`. User and password are
    the server's. The sentinels' own, if they have any, are `?sentinel_username=` and
    `?sentinel_password=`. With `rediss+sentinel://`, both are asked over TLS.
    """
    parts = urlsplit(url)
    name, _, db = parts.path.strip("/").partition("/")
    query = dict(parse_qsl(parts.query))
    tls: dict[str, Any] = {key: value for key, value in query.items() if key in TLS_QUERY}
    tls["ssl"] = parts.scheme.startswith("rediss")
    of_sentinels = {
        key.removeprefix("sentinel_"): value
        for key, value in query.items()
        if key.startswith("sentinel_")
    }
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        [_address(each) for each in parts.netloc.rpartition("@")[2].split(",")],
        sentinel_kwargs={**_options(), **tls, **of_sentinels},
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        db=int(db or 0),
        **tls,
        **_options(),
        **_own_options(),
    )
    return sentinels, name


def _address(host_and_port: str) -> tuple[str, int]:
    if host_and_port.endswith("]") or ":" not in host_and_port:
        return host_and_port.strip("[]"), SENTINEL_PORT
    host, _, port = host_and_port.rpartition(":")
    return host.strip("[]"), int(port)
