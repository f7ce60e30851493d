"""Sizes: how large a request may be, and of how many parts."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from livria_sse.settings import Settings
from livria_sse.web.body import LARGEST_REFUSED


class Sizes(NamedTuple):
    """What a request that comes to the application has at most, before anybody reads its body.

    Each is a setting, which says why.
    """

    #: Bytes of the request line and all headers.
    head: float
    headers: float
    #: Bytes.
    target: float
    #: Of the query string.
    fields: float
    #: Of the body, if they are small.
    pieces: float
    #: Bytes of a body that nobody reads any more.
    unread: float
    #: Requests behind the one that is answered.
    waiting: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings allow."""
        if not settings.limits:
            return cls(*[math.inf] * len(cls._fields))
        return cls(
            head=settings.max_head_bytes,
            headers=settings.max_headers,
            target=settings.max_target_bytes,
            fields=settings.max_query_fields,
            pieces=settings.max_body_pieces,
            unread=max(settings.max_body_bytes, LARGEST_REFUSED),
            waiting=settings.max_waiting_requests,
        )
