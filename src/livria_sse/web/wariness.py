"""Wariness: who may open connections no faster than the pace, as something was refused to them."""

from __future__ import annotations

from livria_sse.settings import Settings
from livria_sse.web.rests import Rests

#: For how long after something was refused to it an address is met so.
WARY_SECONDS = 10.0


class Wariness:
    """Remembers which addresses were refused something lately: a request, or what was none.

    To say no costs five times what it costs to close a connection (0.25 and 0.05 ms).
    """

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.limits
        self._refused = Rests(WARY_SECONDS, burst=0)
        self._opened = Rests.at(settings.requests_per_address)

    def grow(self, address: str) -> None:
        """Is wary of an address for a while, which begins no sooner than the last one has ended."""
        if self._limits and not self._refused.delay(address):
            self._refused.add(address, 1)

    def lets(self, address: str) -> bool:
        """Whether an address (as limits count it) may open a connection; counts it, if it does."""
        if not self._refused.delay(address):
            return True
        if self._opened.delay(address):
            return False
        self._opened.add(address, 1)
        return True
