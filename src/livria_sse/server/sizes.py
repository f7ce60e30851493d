"""Sizes: how large a request may be, and of how many parts."""

from __future__ import annotations

import sys
from typing import NamedTuple, Self

from livria_sse.settings import Settings
from livria_sse.web.body import LARGEST_REFUSED


class Sizes(NamedTuple):
    """What a request that comes to the application has at most, before anybody reads its body.

    All but `unread` are settings, which say why.
    """

    #: Bytes of the request line and all headers.
    head: int
    headers: int
    #: Bytes.
    target: int
    #: Of the query string.
    fields: int
    #: Of the body, if they are small.
    pieces: int
    #: Bytes of a body that is answered already.
    unread: int
    #: Requests behind the one that is answered.
    waiting: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings allow."""
        if not settings.limits:
            return cls(*[sys.maxsize] * len(cls._fields))
        return cls(
            head=settings.max_head_bytes,
            headers=settings.max_headers,
            target=settings.max_target_bytes,
            fields=settings.max_query_fields,
            pieces=settings.max_body_pieces,
            unread=settings.max_body_bytes + LARGEST_REFUSED,
            waiting=settings.max_waiting_requests,
        )
