"""Turns: whose request begins next, when many come at once from one address."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from starlette.types import Scope

from livria_sse.errors import TooManyRequests
from livria_sse.web.clients import address_of
from livria_sse.web.pace import Pace

#: What one at a time takes is milliseconds, unless the database hardly answers; then it is as long
#: as two of its answers may take.
LONGEST_SECONDS_ALONE = 5.0


class Turns:
    """Lets one request of each address begin in every round of the event loop.

    Whatever is begun in a round is gone through before anything else is looked at: who asks for a
    hundred things at once would hold up all others for the time that a hundred take. So theirs
    begin in order, and between two of them everybody else has a turn. Nobody who keeps the pace
    waits while nobody else asks for anything.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        #: Who has had a turn in this round, and the requests of theirs that wait.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        #: What is held by those who are alone; forgotten when nobody waits for it.
        self._held: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def begin(self, scope: Scope) -> None:
        """Waits for a turn to begin a request.

        Raises:
            TooManyRequests: The address asks too fast.
        """
        await self.pace.keep(scope)
        await self.take(scope)

    async def take(self, scope: Scope) -> None:
        """Waits for a turn to go on with a request."""
        address = address_of(scope)
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

    @asynccontextmanager
    async def alone(self, scope: Scope) -> AsyncIterator[None]:
        """Waits until no other request of the address is in here; to leave never waits.

        It is for what can be much to read and to encode: else all others would wait behind as many
        of these as an address has connections. Who has no pace does not wait.

        Raises:
            TooManyRequests: That takes too long. Whoever has asked may have left meanwhile.
        """
        if self.pace.is_exempt(scope):
            yield
            return
        address = address_of(scope)
        lock = self._held.get(address)
        if lock is None:
            lock = self._held[address] = asyncio.Lock()
        try:
            async with asyncio.timeout(LONGEST_SECONDS_ALONE):
                await lock.acquire()
        except TimeoutError:
            self.pace.hasty["refused"] += 1
            raise TooManyRequests(retry_seconds=1) from None
        try:
            yield
        finally:
            lock.release()

    def _go_round(self) -> None:
        for address, waiting in tuple(self._waiting.items()):
            if not waiting:
                del self._waiting[address]
            elif not (turn := waiting.popleft()).done():
                turn.set_result(None)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go_round)
