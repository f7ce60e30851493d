"""What a hub is doing, in numbers; `/metrics` only formats them."""

from __future__ import annotations

from typing import NamedTuple


class Statistics(NamedTuple):
    """What a hub is doing, in numbers."""

    #: Streams that are open.
    streams: int
    #: Books that are watched.
    books: int
    #: Streams that were opened since the start.
    opened: int
    #: Differences that were written to readers since the start.
    deliveries: int
    #: Books in which the audit found something that had not been told.
    repairs: int
