"""The pace: how fast the requests of one address begin, when they come faster than people ask."""

from __future__ import annotations

import asyncio
import logging

from starlette.types import Scope

from livria_sse.logs import Mentions
from livria_sse.settings import Settings
from livria_sse.web.clients import Proxies, address_of

logger = logging.getLogger(__name__)

#: So many of an address begin at once, before its pace counts: a page asks for a dozen things.
BURST = 50
#: A body that is decoded counts as another request for every so many bytes.
BYTES_OF_A_REQUEST = 4096
#: Of more addresses than these, those that have rested are forgotten.
MANY = 1000
#: Whose requests wait longer than this is mentioned: it may be a proxy that nobody has named.
LONG_SECONDS = 1.0


class Pace:
    """Lets the requests of an address begin no faster than a rate; what comes faster waits.

    So whoever asks in a loop has a part of the event loop, which is everybody's, and not all that
    there is of it. Nobody is refused, and a trusted proxy has no pace: its requests are those of
    its clients. Each process keeps it by itself, since its own event loop is what it shares out.

    It is the generic cell rate algorithm (ITU-T I.371): all that is kept of an address is when it
    will have rested from what it asked for.
    """

    def __init__(self, settings: Settings, proxies: Proxies) -> None:
        rate = settings.requests_per_address
        self._interval = rate.get_expiry() / rate.amount if settings.limits else 0.0
        self._trusts = proxies.trusts
        self._rested_at: dict[str, float] = {}
        self._many = MANY
        self._mentions = Mentions(logger)
        #: How many requests have waited.
        self.delayed = 0

    async def keep(self, scope: Scope, *, body: int | None = None) -> None:
        """Waits until a request may begin; or, once it has, until a body may be decoded (bytes)."""
        if self._has_none(scope):
            return
        address = address_of(scope)
        delay = self._delay(address, 1 if body is None else body // BYTES_OF_A_REQUEST)
        if delay > LONG_SECONDS:
            self._mentions.warn("crowded: requests of %s come faster than the pace", address)
        if delay:
            self.delayed += 1
            await asyncio.sleep(delay)

    def _has_none(self, scope: Scope) -> bool:
        client = scope.get("client")
        return not self._interval or client is None or self._trusts(client[0])

    def _delay(self, address: str, requests: int) -> float:
        now = asyncio.get_running_loop().time()
        rested_at = max(self._rested_at.get(address, now), now)
        self._rested_at[address] = rested_at + requests * self._interval
        if len(self._rested_at) > self._many:
            self._forget(now)
        return max(0.0, rested_at - now - BURST * self._interval)

    def _forget(self, now: float) -> None:
        self._rested_at = {each: at for each, at in self._rested_at.items() if at > now}
        self._many = max(MANY, 2 * len(self._rested_at))
