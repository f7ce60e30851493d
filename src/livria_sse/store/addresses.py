"""Addresses of databases."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def on_postgres(url: str) -> bool:
    """Whether the address is a PostgreSQL database's; else it is a SQLite file's."""
    return url.startswith(("postgresql:", "postgres:"))


def without_password(url: str) -> str:
    """An address as it may be shown."""
    if not on_postgres(url):
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}{at}{host}"
    return urlunsplit((parts.scheme, shown, parts.path, "", ""))
