"""Turns: whose request begins next, when many come at once from one address."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets one request of each address begin in every round of the event loop.

    Whatever is begun in a round is gone through before anything else is looked at: who asks for a
    hundred things at once would hold up all others for the time that a hundred take. So theirs
    begin in order, and between two of them everybody else has a turn. Nobody is refused, and nobody
    waits while nobody else asks for anything.
    """

    def __init__(self) -> None:
        #: Who has had a turn in this round, and the requests of theirs that wait.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def take(self, address: str) -> None:
        """Waits for a turn of an address."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(address)
        if waiting is None:
            if not self._waiting:
                loop.call_soon(self._go_round)
            self._waiting[address] = deque()
            return
        turn = loop.create_future()
        waiting.append(turn)
        await turn

    def _go_round(self) -> None:
        for address, waiting in tuple(self._waiting.items()):
            if not waiting:
                del self._waiting[address]
            elif not (turn := waiting.popleft()).done():
                turn.set_result(None)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go_round)
