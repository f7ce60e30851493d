"""The log with Redis: many processes, told by doorbells and helped by streams; SQL is the truth."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing, asynccontextmanager

from livria_sse.errors import RedisAway, StreamBehind
from livria_sse.log.base import Listener, Way
from livria_sse.log.local import LocalLog
from livria_sse.log.redis.doorbells import Doorbells
from livria_sse.log.redis.link import Link
from livria_sse.log.redis.publisher import Publisher
from livria_sse.log.redis.streams import Streams
from livria_sse.log.redis.viewers import ViewersBell
from livria_sse.models import Difference
from livria_sse.redis_clients import open_client
from livria_sse.settings import Settings
from livria_sse.store import Store


class RedisLog:
    """Reads Redis where it is certain to hold the whole difference, else SQL; see `Log`."""

    def __init__(
        self,
        database: LocalLog,
        streams: Streams,
        publisher: Publisher,
        doorbells: Doorbells,
        viewers: ViewersBell,
    ) -> None:
        self.epoch = database.epoch
        self._database = database
        self._streams = streams
        self._publisher = publisher
        self._doorbells = doorbells
        self.publish = publisher.publish
        self.watch = doorbells.watch
        self.unwatch = doorbells.unwatch
        self.tell_viewers = viewers.tell

    @property
    def degraded(self) -> str | None:
        """Why changes of other processes come late at present; None if they do not."""
        if self._streams.well and self._doorbells.ring:
            return None
        return "Redis does not answer; pages are kept up to date from the database"

    @property
    def cut(self) -> Mapping[Way, bool]:
        """Which of the ways through Redis are cut."""
        return {"streams": not self._streams.well, "doorbells": not self._doorbells.ring}

    @property
    def backlog(self) -> int:
        """In how many books something is still to be published."""
        return self._publisher.backlog

    @property
    def backlog_seconds(self) -> float:
        """For how long the oldest of it has waited."""
        return self._publisher.backlog_seconds

    async def head(self, book_id: int) -> Difference:
        """Where a book stands; whether its stream stands there, too, is seen to beside."""
        head = await self._database.head(book_id)
        self._publisher.verify(book_id, head.head)
        return head

    async def heads(self, book_ids: Collection[int]) -> dict[int, int]:
        """The heads of many books."""
        return await self._database.heads(book_ids)

    async def since(self, book_id: int, seq: int, *, known: int | None = None) -> Difference:
        """What a reader at `seq` lacks."""
        if known is not None and not self.degraded:  # else each read might wait for the timeout
            difference = await self._in_redis(book_id, seq, known=known)
            if difference:
                return difference
        return await self._database.since(book_id, seq)

    async def _in_redis(self, book_id: int, seq: int, *, known: int) -> Difference | None:
        try:
            return await self._streams.since(book_id, seq, known=known)
        except StreamBehind:
            self._publisher.repair(book_id)
        except RedisAway:
            pass
        return None

    async def listen(self, listener: Listener) -> None:
        """Lets the listener hear what other processes publish, until it is cancelled."""
        await self._doorbells.listen(listener)


@asynccontextmanager
async def open_redis_log(store: Store, url: str, settings: Settings) -> AsyncIterator[RedisLog]:
    """The log of a store at the Redis of a URL, which need not answer at present."""
    async with open_client(url) as commands, open_client(url) as listening:
        link = Link(commands)
        streams = Streams(link, store.epoch, settings)
        async with (
            aclosing(ViewersBell(link, store.epoch)) as viewers,
            Publisher(streams, store.changes).running() as publisher,
        ):
            database = LocalLog(store, replay_limit=settings.replay_limit)
            doorbells = Doorbells(listening, store.epoch, viewers)
            yield RedisLog(database, streams, publisher, doorbells, viewers)
