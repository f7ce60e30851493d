"""Peers: who holds connections to our own server, beside the streams, and how many."""

from __future__ import annotations

import logging
import math
from collections import Counter
from typing import Literal, get_args

from livria_sse.logs import Mentions
from livria_sse.settings import Settings
from livria_sse.web.clients import UNKNOWN, Proxies, counted
from livria_sse.web.wariness import Wariness

logger = logging.getLogger(__name__)

#: Which limit is reached: on those of an address, on its requests, or on all that may be open.
Limit = Literal["address", "pace", "files"]


class Peers:
    """Limits how many connections an address may hold open, whatever it does with them.

    One that asks too fast may open them no faster than it may ask. A trusted proxy may hold any
    number: they are those of its clients. A stream has limits of its own, and is not counted here
    any more.
    """

    def __init__(self, settings: Settings, proxies: Proxies, wariness: Wariness) -> None:
        self._trusts = proxies.trusts
        self._wariness = wariness
        self._most = settings.max_connections_per_address if settings.limits else math.inf
        self._connections: Counter[str] = Counter()
        self._mentions = Mentions(logger)
        #: How often each limit was the reason to close a connection.
        self.refused = Counter[Limit](dict.fromkeys(get_args(Limit), 0))

    def enter(self, peer: tuple[str, int] | None) -> bool:
        """Counts one more connection until it has left; whether it may stay."""
        if peer is None or self._trusts(peer[0]):
            return True
        address = counted(peer[0])
        self._connections[address] += 1
        if self._connections[address] > self._most:
            self.refuse("address", peer)
        elif not self._wariness.lets(address):
            self.refuse("pace", peer)
        else:
            return True
        return False

    def leave(self, peer: tuple[str, int] | None) -> None:
        """Counts it no more: it is closed, or a stream."""
        if peer and not self._trusts(peer[0]):
            address = counted(peer[0])
            self._connections[address] -= 1
            if not self._connections[address]:
                del self._connections[address]

    def be_wary(self, peer: tuple[str, int] | None) -> None:
        """Takes note that a request of one was refused before it came to the application."""
        if peer and not self._trusts(peer[0]):
            self._wariness.grow(counted(peer[0]))

    def refuse(self, limit: Limit, peer: tuple[str, int] | None) -> None:
        """Takes note that a connection is closed for a limit."""
        self.refused[limit] += 1
        address = peer[0] if peer else UNKNOWN
        self._mentions.warn(
            limit,
            "crowded: connections reach the limit of %(limit)s, now by %(address)s",
            {"limit": limit, "address": address},
        )
