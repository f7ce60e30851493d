"""Rests: how long an address rests from what it did."""

from __future__ import annotations

import asyncio
from typing import Self

from limits import RateLimitItem

#: So many things at once need no rest: a page asks for a few, beside its files.
BURST = 50
#: Of more addresses than these, those that have rested are forgotten.
MANY = 1000


class Rests:
    """When each address will have rested from what it did.

    It is the generic cell rate algorithm (ITU-T I.371): nothing else is kept of an address.
    """

    def __init__(self, interval: float, *, burst: int = BURST) -> None:
        #: Seconds that an address rests from one thing.
        self._interval = interval
        #: Of how many it need not have rested before the next.
        self._burst = burst
        self._at: dict[str, float] = {}
        self._many = MANY

    @classmethod
    def at(cls, rate: RateLimitItem, *, burst: int = BURST) -> Self:
        """Of an address that may do so many things in so long."""
        return cls(rate.get_expiry() / rate.amount, burst=burst)

    def __len__(self) -> int:
        return len(self._at)

    def delay(self, address: str) -> float:
        """Seconds until an address has rested enough for one thing more."""
        at = self._at.get(address)
        if at is None:
            return 0.0
        return max(0.0, at - asyncio.get_running_loop().time() - self._burst * self._interval)

    def add(self, address: str, things: int) -> None:
        """Takes note that an address does so many things."""
        now = asyncio.get_running_loop().time()
        self._at[address] = max(self._at.get(address, now), now) + things * self._interval
        if len(self._at) > self._many:
            self._at = {each: at for each, at in self._at.items() if at > now}
            self._many = max(MANY, 2 * len(self._at))
