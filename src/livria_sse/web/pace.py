"""The pace: how fast the requests of one address begin, however fast they come."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from typing import Literal, NamedTuple, get_args

from starlette.types import Message, Scope, Send

from livria_sse.errors import TooManyRequests
from livria_sse.logs import Mentions
from livria_sse.settings import Settings
from livria_sse.web.clients import Proxies, address_of
from livria_sse.web.lengths import bounded
from livria_sse.web.rests import Rests
from livria_sse.web.wariness import Wariness

logger = logging.getLogger(__name__)

#: A body counts as another request for every so many bytes, and an answer for every so many.
BYTES_OF_A_REQUEST, BYTES_OF_AN_ANSWER = 4096, 16_384
#: As how many a body of unknown size counts at first.
REQUESTS_OF_UNKNOWN_SIZE = 16
#: Whoever would have to wait longer than this is refused, after as long.
LONGEST_SECONDS = 1.0
#: Of more refusals than these at a time, the others are told at once: they take memory.
MOST_LATE = 1000
#: Whoever asks for these decides whether the process gets any requests at all: on a connection that
#: is open they have a pace of their own, which others from the same address do not use up.
VITAL = frozenset({"/healthz", "/readyz"})
#: So have the files of pages. They cost little, a page needs three dozen of them, and a browser
#: that is refused one of them does not ask again: more may come at once, and those wait for longer.
FILES, BURST_OF_FILES, LONGEST_SECONDS_OF_FILES = "/static/", 400, 5.0


class Lane(NamedTuple):
    """A pace of its own for some requests, and how many seconds they wait for it at most."""

    rests: Rests
    longest: float


Outcome = Literal["delayed", "refused"]


class Pace:
    """Lets the requests of an address begin no faster than a rate: what comes faster waits.

    So whoever asks in a loop has a part of the event loop, which is everybody's, and not all that
    there is of it. Whoever would have to wait for longer than a lane lets them is refused, and that
    late, too: else they would ask again at once. A trusted proxy has no pace: its requests are
    those of its clients. Each process keeps it by itself, since its own event loop is what it
    shares out.
    """

    def __init__(self, settings: Settings, proxies: Proxies, wariness: Wariness) -> None:
        rate = settings.requests_per_address
        self._limits = settings.limits
        self._largest_body = settings.max_body_bytes
        self._trusts = proxies.trusts
        self._wariness = wariness
        self._usual, self._vital = (Lane(Rests.at(rate), LONGEST_SECONDS) for _ in range(2))
        self._files = Lane(Rests.at(rate, burst=BURST_OF_FILES), LONGEST_SECONDS_OF_FILES)
        #: How many are being told of their refusal.
        self._late = 0
        self._mentions = Mentions(logger)
        #: How many requests came too fast, by what became of them.
        self.hasty = Counter[Outcome](dict.fromkeys(get_args(Outcome), 0))

    async def keep(self, scope: Scope) -> None:
        """Waits until a request may begin.

        Raises:
            TooManyRequests: That would take too long.
        """
        if self.is_exempt(scope):
            return
        address = address_of(scope)
        rests, longest = self._lane(scope["path"])
        delay = rests.delay(address)
        if delay > longest:
            await self._refuse(address)
            raise TooManyRequests(retry_seconds=math.ceil(delay - longest))
        rests.add(address, 1 + self._requests_of_body(scope))
        if delay:
            self.hasty["delayed"] += 1
            await asyncio.sleep(delay)

    def count(self, scope: Scope, size: int) -> None:
        """Counts so many bytes of an answer: what comes next begins so much later."""
        if size >= BYTES_OF_AN_ANSWER and not self.is_exempt(scope):
            rests, _ = self._lane(scope["path"])
            rests.add(address_of(scope), size // BYTES_OF_AN_ANSWER)

    def count_body(self, scope: Scope, size: int) -> None:
        """Counts a body that was read, as far as nobody knew how large it would be."""
        unknown = any(name == b"transfer-encoding" for name, _ in scope["headers"])
        more = size // BYTES_OF_A_REQUEST - REQUESTS_OF_UNKNOWN_SIZE
        if unknown and more > 0 and not self.is_exempt(scope):
            self._lane(scope["path"]).rests.add(address_of(scope), more)

    def counting(self, scope: Scope, send: Send) -> Send:
        """A `send` that counts what it sends."""

        async def send_and_count(message: Message) -> None:
            self.count(scope, len(message.get("body", b"")))
            await send(message)

        return send_and_count

    def is_exempt(self, scope: Scope) -> bool:
        """Whether there are no limits, or none for this client."""
        client = scope.get("client")
        return not self._limits or client is None or self._trusts(client[0])

    def _lane(self, path: str) -> Lane:
        if path in VITAL:
            return self._vital
        return self._files if path.startswith(FILES) else self._usual

    async def _refuse(self, address: str) -> None:
        self.hasty["refused"] += 1
        self._wariness.grow(address)
        # It may be a proxy that nobody has named.
        self._mentions.warn(
            "pace",
            "crowded: requests of %(address)s come faster than the pace",
            {"address": address},
        )
        if self._late < MOST_LATE:
            self._late += 1
            try:
                await asyncio.sleep(LONGEST_SECONDS)
            finally:
                self._late -= 1

    def _requests_of_body(self, scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length":  # none is decoded that is larger than the largest
                length = bounded(value.decode(), self._largest_body) if value.isdigit() else 0
                return length // BYTES_OF_A_REQUEST
            if name == b"transfer-encoding":
                return REQUESTS_OF_UNKNOWN_SIZE
        return 0
