"""The pace: how fast the requests of one address begin, however fast they come."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from typing import Literal, get_args

from starlette.types import Message, Scope, Send

from livria_sse.errors import TooManyRequests
from livria_sse.logs import Mentions
from livria_sse.settings import Settings
from livria_sse.web.clients import Proxies, address_of
from livria_sse.web.lengths import bounded
from livria_sse.web.rests import Rests

logger = logging.getLogger(__name__)

#: A body counts as another request for every so many bytes, and an answer for every so many.
BYTES_OF_A_REQUEST, BYTES_OF_AN_ANSWER = 4096, 16_384
#: Whoever would have to wait longer than this is refused, after as long.
LONGEST_SECONDS = 1.0
#: Of more refusals than these at a time, the others are told at once: they take memory.
MOST_LATE = 1000
#: For so long after it was refused first, an address may open connections no faster than the pace.
WARY_SECONDS = 10.0
#: Whoever asks for these decides whether the process gets any requests at all: on a connection that
#: is open they have a pace of their own, which others from the same address do not use up.
VITAL = frozenset({"/healthz", "/readyz"})
#: So have the files of pages. They cost little, a page needs three dozen of them, and a browser
#: that is refused one of them does not ask again: more may come at once, and those wait for longer.
FILES, BURST_OF_FILES, LONGEST_SECONDS_OF_FILES = "/static/", 400, 5.0

Outcome = Literal["delayed", "refused"]


class Pace:
    """Lets the requests of an address begin no faster than a rate: what comes faster waits.

    So whoever asks in a loop has a part of the event loop, which is everybody's, and not all that
    there is of it. No more wait than can begin within a second. Whoever asks faster still is
    refused, and that late, too: else they would ask again at once. A trusted proxy has no pace: its
    requests are those of its clients. Each process keeps it by itself, since its own event loop is
    what it shares out. An address that was refused, or whose request was none, may open connections
    no faster: to say no costs five times what it costs to close a connection (0.25 and 0.05 ms).
    """

    def __init__(self, settings: Settings, proxies: Proxies) -> None:
        rate = settings.requests_per_address
        interval = rate.get_expiry() / rate.amount
        self._limits = settings.limits
        self._largest_body = settings.max_body_bytes
        self._trusts = proxies.trusts
        self._begun, self._vital, self._heard = (Rests(interval) for _ in range(3))
        self._files = Rests(interval, burst=BURST_OF_FILES)
        self._refused = Rests(WARY_SECONDS, burst=0)
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
        if self._has_none(scope):
            return
        address = address_of(scope)
        begun, longest = self._of(scope["path"])
        delay = begun.delay(address)
        if delay > longest:
            await self._refuse(address)
            raise TooManyRequests(retry_seconds=math.ceil(delay - longest))
        begun.add(address, 1 + self._size_of_body(scope) // BYTES_OF_A_REQUEST)
        if delay:
            self.hasty["delayed"] += 1
            await asyncio.sleep(delay)

    def count(self, scope: Scope, size: int) -> None:
        """Counts so many bytes of an answer: what comes next begins so much later."""
        if size >= BYTES_OF_AN_ANSWER and not self._has_none(scope):
            begun, _ = self._of(scope["path"])
            begun.add(address_of(scope), size // BYTES_OF_AN_ANSWER)

    def counting(self, scope: Scope, send: Send) -> Send:
        """A `send` that counts what it sends."""

        async def send_and_count(message: Message) -> None:
            self.count(scope, len(message.get("body", b"")))
            await send(message)

        return send_and_count

    def hears(self, address: str) -> bool:
        """Whether an address (as limits count it) may open a connection; counts it, if it does."""
        if not self._refused.delay(address):
            return True
        if self._heard.delay(address):
            return False
        self._heard.add(address, 1)
        return True

    def be_wary(self, address: str) -> None:
        """Lets an address, of which something was refused, open connections no faster for a while.

        A while begins no sooner than the last has ended.
        """
        if self._limits and not self._refused.delay(address):
            self._refused.add(address, 1)

    def _of(self, path: str) -> tuple[Rests, float]:
        if path in VITAL:
            return self._vital, LONGEST_SECONDS
        if path.startswith(FILES):
            return self._files, LONGEST_SECONDS_OF_FILES
        return self._begun, LONGEST_SECONDS

    def _has_none(self, scope: Scope) -> bool:
        client = scope.get("client")
        return not self._limits or client is None or self._trusts(client[0])

    async def _refuse(self, address: str) -> None:
        self.hasty["refused"] += 1
        self.be_wary(address)
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

    def _size_of_body(self, scope: Scope) -> int:
        # None counts as more than the largest that is decoded; one of unknown size, as much.
        for name, value in scope["headers"]:
            if name == b"content-length":
                return bounded(value.decode(), self._largest_body) if value.isdigit() else 0
            if name == b"transfer-encoding":
                return self._largest_body
        return 0
