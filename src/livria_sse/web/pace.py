"""The pace: how fast the requests of one address begin, however fast they come."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from typing import Literal, NoReturn, get_args

from starlette.types import Scope

from livria_sse.errors import TooManyRequests
from livria_sse.logs import Mentions
from livria_sse.settings import Settings
from livria_sse.web.clients import Proxies, address_of
from livria_sse.web.rests import Rests

logger = logging.getLogger(__name__)

#: A body that is decoded counts as another request for every so many bytes.
BYTES_OF_A_REQUEST = 4096
#: Whoever would have to wait longer than this is refused.
LONGEST_SECONDS = 1.0
#: For so long after it was refused, an address may open connections no faster than the pace.
WARY_SECONDS = 10.0
#: Whoever asks for these decides whether the process gets any requests at all: they have a pace of
#: their own, which is not used up by others from the same address.
VITAL = frozenset({"/healthz", "/readyz"})

Outcome = Literal["delayed", "refused"]


class Pace:
    """Lets the requests of an address begin no faster than a rate: what comes faster waits.

    So whoever asks in a loop has a part of the event loop, which is everybody's, and not all that
    there is of it. Whoever asks faster still is refused, which costs little, and no more wait than
    can begin within a second. A trusted proxy has no pace: its requests are those of its clients.
    Each process keeps it by itself, since its own event loop is what it shares out. Of an address
    that was refused, no more is heard than may begin: to say no costs five times what it costs to
    close a connection (0.25 and 0.05 ms).
    """

    def __init__(self, settings: Settings, proxies: Proxies) -> None:
        rate = settings.requests_per_address
        interval = rate.get_expiry() / rate.amount
        self._limits = settings.limits
        self._trusts = proxies.trusts
        self._begun, self._vital, self._heard = (Rests(interval) for _ in range(3))
        self._refused = Rests(WARY_SECONDS, burst=0)
        self._mentions = Mentions(logger)
        #: How many requests came too fast, by what became of them.
        self.hasty = Counter[Outcome](dict.fromkeys(get_args(Outcome), 0))

    async def keep(self, scope: Scope, *, body: int | None = None) -> None:
        """Waits until a request may begin; or, once it has, until a body may be decoded (bytes).

        Raises:
            TooManyRequests: That would take too long.
        """
        if self._has_none(scope):
            return
        address = address_of(scope)
        begun = self._vital if scope["path"] in VITAL else self._begun
        delay = begun.delay(address)
        if delay > LONGEST_SECONDS:
            self._refuse(address)
        begun.add(address, 1 if body is None else body // BYTES_OF_A_REQUEST)
        if delay:
            self.hasty["delayed"] += 1
            await asyncio.sleep(delay)

    def hears(self, address: str) -> bool:
        """Whether an address (as limits count it) may open a connection; counts it, if it does."""
        if not self._refused.delay(address):
            return True
        if self._heard.delay(address):
            return False
        self._heard.add(address, 1)
        return True

    def _has_none(self, scope: Scope) -> bool:
        client = scope.get("client")
        return not self._limits or client is None or self._trusts(client[0])

    def _refuse(self, address: str) -> NoReturn:
        self.hasty["refused"] += 1
        if not self._refused.delay(address):
            self._refused.add(address, 1)
        # It may be a proxy that nobody has named.
        self._mentions.warn("pace", "crowded: requests of %s come faster than the pace", address)
        raise TooManyRequests(retry_seconds=math.ceil(LONGEST_SECONDS))
