"""Instants as the tables keep them: milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, in the resolution that is kept."""
    return instant(milliseconds(datetime.now(UTC)))


def milliseconds(moment: datetime) -> int:
    """An instant as it is stored."""
    return round(moment.timestamp() * 1000)


def instant(stored: int) -> datetime:
    """A stored instant."""
    return datetime.fromtimestamp(stored / 1000, UTC)
