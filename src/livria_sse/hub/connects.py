"""Connects: how often each client address opens streams, second by second."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

#: Connects are counted anew after so many seconds.
WINDOW_SECONDS = 1.0
#: An address is busy if it has more than this part of the limit at one process.
BUSY = 0.1
#: Of more than these, only the busiest are told to others.
MOST_TOLD = 500


class Connects:
    """Counts what comes here; others may tell what comes to all processes together."""

    def __init__(self, most: int) -> None:
        #: How many an address may open in a window.
        self._most = most
        self._since = float("-inf")
        #: Those of this window, and those of the one before that nobody was told of.
        self._counts: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        #: How many those may open here who are over the limit at all processes together.
        self._parts: Mapping[str, int] = {}

    def count(self, address: str) -> bool:
        """Counts one more, admitted or not; whether the address may open it."""
        self._begin_anew()
        self._counts[address] += 1
        return self._counts[address] <= self._parts.get(address, self._most)

    def busy(self) -> dict[str, int]:
        """Who was busy in the window that ended last, and how often they came; told once."""
        self._begin_anew()
        ended, self._ended = self._ended, Counter()
        least = BUSY * self._most
        return {each: count for each, count in ended.most_common(MOST_TOLD) if count > least}

    def learn(self, here: Mapping[str, int], everywhere: Mapping[str, int]) -> None:
        """Takes note of how often those came to all processes who were busy here; until told anew.

        Who is over the limit there gets the part of it that came here: at all processes together
        as much as at one alone.
        """
        self._parts = {
            address: max(1, self._most * count // everywhere[address])
            for address, count in here.items()
            if everywhere[address] > self._most
        }

    def _begin_anew(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._since > WINDOW_SECONDS:
            self._since = now
            self._ended, self._counts = self._counts, Counter()
