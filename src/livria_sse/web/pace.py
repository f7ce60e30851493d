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

logger = logging.getLogger(__name__)

#: So many of an address begin at once, before its pace counts: a page asks for a dozen things.
BURST = 50
#: A body that is decoded counts as another request for every so many bytes.
BYTES_OF_A_REQUEST = 4096
#: Whoever would have to wait longer than this is refused.
LONGEST_SECONDS = 1.0
#: Of more addresses than these, those that have rested are forgotten.
MANY = 1000
#: Whoever asks for these decides whether the process gets any requests at all; to answer costs as
#: little as to refuse.
VITAL = frozenset({"/healthz", "/readyz"})

Outcome = Literal["delayed", "refused"]


class Pace:
    """Lets the requests of an address begin no faster than a rate: what comes faster waits.

    So whoever asks in a loop has a part of the event loop, which is everybody's, and not all that
    there is of it. Whoever asks faster still is refused, which costs little, and no more wait than
    can begin within a second. A trusted proxy has no pace: its requests are those of its clients.
    Each process keeps it by itself, since its own event loop is what it shares out.

    It is the generic cell rate algorithm (ITU-T I.371): all that is kept of an address is when it
    will have rested from what it asked for.
    """

    def __init__(self, settings: Settings, proxies: Proxies) -> None:
        rate = settings.requests_per_address
        #: Seconds from one request to the next; 0: there is no pace.
        self._interval = rate.get_expiry() / rate.amount if settings.limits else 0.0
        self._trusts = proxies.trusts
        self._rested_at: dict[str, float] = {}
        self._many = MANY
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
        address, now = address_of(scope), asyncio.get_running_loop().time()
        rested_at = max(self._rested_at.get(address, now), now)
        delay = max(0.0, rested_at - now - BURST * self._interval)
        if delay > LONGEST_SECONDS:
            self._refuse(address)
        requests = 1 if body is None else body // BYTES_OF_A_REQUEST
        self._rested_at[address] = rested_at + requests * self._interval
        if len(self._rested_at) > self._many:
            self._forget(now)
        if delay:
            self.hasty["delayed"] += 1
            await asyncio.sleep(delay)

    def _has_none(self, scope: Scope) -> bool:
        client = scope.get("client")
        if not self._interval or client is None or scope["path"] in VITAL:
            return True
        return self._trusts(client[0])

    def _refuse(self, address: str) -> NoReturn:
        self.hasty["refused"] += 1
        # It may be a proxy that nobody has named.
        self._mentions.warn("pace", "crowded: requests of %s come faster than the pace", address)
        raise TooManyRequests(retry_seconds=math.ceil(LONGEST_SECONDS))

    def _forget(self, now: float) -> None:
        self._rested_at = {each: at for each, at in self._rested_at.items() if at > now}
        self._many = max(MANY, 2 * len(self._rested_at))
