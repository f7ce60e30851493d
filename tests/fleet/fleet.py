"""A fleet: server processes on one database and one Redis."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.parts import Person, PostgresCluster, RedisServer, ServerProcess, TCPProxy
from tests.parts.database import new_database


class Fleet:
    """What was started, and the way past it to what is in the database."""

    def __init__(
        self,
        servers: list[ServerProcess],
        database_url: str,
        *,
        redis: RedisServer,
        proxies: list[TCPProxy],
        postgres: PostgresCluster | None,
    ) -> None:
        self.servers = servers
        self.database_url = database_url
        self.redis = redis
        #: What is between each server and Redis.
        self.proxies = proxies
        self.postgres = postgres
        self._books = count(1_000)
        with Person(servers[0].url, "mina") as mina:
            self.token = mina.token

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement finds in the database, past the service."""
        if self.postgres:
            return self.postgres.query(sql, database=self.database_url.rpartition("/")[2])
        path = self.database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=30)) as database, database:
            return database.execute(sql).fetchall()

    def new_book(self) -> int:
        """A book that nobody has reviewed."""
        book = next(self._books)
        self.rows(
            "INSERT INTO books (id, title, author, description, cover)"  # noqa: S608
            f" VALUES ({book}, '', '', '', '') RETURNING id"
        )
        return book

    def reviews(self, book: int) -> dict[int, str]:
        """The reviews of a book, by id."""
        return dict(
            self.rows(
                "SELECT id, content FROM reviews"  # noqa: S608
                f" WHERE book_id = {book} AND content IS NOT NULL"
            )
        )

    def head(self, book: int) -> tuple[int, int]:
        """The newest seq of a book, and its number of reviews."""
        (row,) = self.rows(f"SELECT last_seq, review_count FROM books WHERE id = {book}")  # noqa: S608
        return row

    def newest_change(self, book: int) -> int:
        """The highest seq that a change of a book has."""
        ((seq,),) = self.rows(f"SELECT max(seq) FROM reviews WHERE book_id = {book}")  # noqa: S608
        return int(seq or 0)


@contextmanager
def open_fleet(
    folder: Path,
    *,
    processes: int,
    postgres: PostgresCluster | None = None,
    redis: bool = True,
    **settings: Any,
) -> Iterator[Fleet]:
    """Starts everything; on SQLite if there is no PostgreSQL, with Redis unless it is unwanted."""
    settings = {"viewers": "on", **settings}
    if postgres:
        database_url = postgres.create_database(migrated=True)
    else:
        new_database(folder / "livria.db")
        database_url = f"sqlite:///{folder}/livria.db"
    with ExitStack() as stack:
        server_of_redis = stack.enter_context(RedisServer(folder / "redis", lasting=True))
        servers, proxies = [], []
        for number in range(processes):
            own = folder / f"server{number}"
            own.mkdir()
            proxies.append(stack.enter_context(TCPProxy(server_of_redis.address)))
            if redis:
                settings["redis_url"] = f"redis://127.0.0.1:{proxies[-1].port}"
            servers.append(ServerProcess(own, database_url=database_url, **settings))
            stack.callback(servers[-1].stop, notice=False)
        with ThreadPoolExecutor() as threads:  # all at once, as on a platform
            list(threads.map(ServerProcess.start, servers))
        yield Fleet(
            servers, database_url, redis=server_of_redis, proxies=proxies, postgres=postgres
        )
