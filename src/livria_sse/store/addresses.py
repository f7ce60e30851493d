"""Addresses of databases."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from livria_sse.errors import StoreUnavailable

#: How long a new connection may take.
CONNECT_SECONDS = 10.0

# As far as the last `@`, since people forget to quote what is in a password.
_PASSWORD = re.compile(r"(?<=://)([^:@/?]*):.*@")


def on_postgres(url: str) -> bool:
    """Whether the address is a PostgreSQL database's; else it is a SQLite file's."""
    return url.startswith(("postgresql:", "postgres:"))


def without_password(url: str) -> str:
    """An address as it may be shown."""
    if not on_postgres(url):
        return url
    return _PASSWORD.sub(r"\1@", url).partition("?")[0]


def cannot_open(url: str, error: BaseException | None) -> StoreUnavailable:
    """Says in one line which address cannot be opened, and why."""
    reason = str(error).partition("\n")[0] or "it does not answer"
    return StoreUnavailable(f"{without_password(url)}: {reason}")


def connect_options(url: str) -> dict[str, Any]:
    """How asyncpg connects to a PostgreSQL address, which it understands as libpq does.

    Beside that, `statement_cache_size=0` is for poolers that give each transaction a connection of
    another.

    Raises:
        StoreUnavailable: It is not a valid address.
    """
    address, _, query = url.partition("?")
    try:
        options = dict(parse_qsl(query, strict_parsing=bool(query)))
        size = int(options.pop("statement_cache_size", 100))
        _ = urlsplit(address).port
    except ValueError:  # whose text may be a part of the password
        raise StoreUnavailable(f"{without_password(url)}: it is not a valid address") from None
    return {
        "dsn": f"{address}?{urlencode(options)}" if options else address,
        "statement_cache_size": size,
        "server_settings": {"application_name": "livria-sse"},
        "timeout": CONNECT_SECONDS,
    }
