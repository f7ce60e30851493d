"""A herd of readers: cut off at once, and back within a second."""

from __future__ import annotations

import asyncio
import random
import resource
from collections.abc import Awaitable, Callable, Iterator

import httpx
import pytest

from tests.fleet.fleet import Fleet
from tests.fleet.play import Outcome
from tests.fleet.readers import Reader
from tests.fleet.writers import Ledger
from tests.waiting import until

BOOKS, READERS = 20, 2_000
#: Reviews of each book that are posted while the herd is away.
MISSED = 3
#: How often a process may read a book, in Redis or in SQL, until all its readers are back: once
#: would do, and the audit looks once more at whatever nobody could hear of.
READS_EACH = 3


@pytest.fixture(scope="module", autouse=True)
def many_connections() -> Iterator[None]:
    """Lets this process and the servers hold as many connections as the system allows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class ReadCount:
    """Counts what is read while it is entered: scripts in Redis, and snapshots in SQL."""

    def __init__(self, fleet: Fleet) -> None:
        assert fleet.postgres
        self._redis = fleet.redis
        self._postgres = fleet.postgres
        self.scripts = self.snapshots = 0

    def __enter__(self) -> ReadCount:
        self._log_statements("'all'")
        self.scripts -= self._redis.calls("evalsha")
        self.snapshots -= self._snapshots_so_far()
        return self

    def __exit__(self, *_: object) -> None:
        self.scripts += self._redis.calls("evalsha")
        self.snapshots += self._snapshots_so_far()
        self._log_statements("DEFAULT")

    def _log_statements(self, which: str) -> None:
        self._postgres.query(f"ALTER SYSTEM SET log_statement = {which}")
        self._postgres.query("SELECT pg_reload_conf()")

    def _snapshots_so_far(self) -> int:
        return self._postgres.log.read_text().count("READ ONLY")


async def network_cut(fleet: Fleet) -> None:
    """The servers stay as they are."""


async def servers_killed(fleet: Fleet) -> None:
    """All servers die, and begin with nothing in their memory."""
    for server in fleet.servers:
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)


@pytest.mark.long
@pytest.mark.parametrize("cut_off", [network_cut, servers_killed])
def test_a_herd_comes_back(fleet: Fleet, cut_off: Callable[[Fleet], Awaitable[None]]) -> None:
    """However many readers come back, Redis and SQL are asked about once for each book."""
    outcome, reads = asyncio.run(_cut_off_and_back(fleet, cut_off))

    outcome.assert_converged()
    most = READS_EACH * BOOKS * len(fleet.servers)
    assert reads.scripts <= most
    assert reads.snapshots <= most
    assert reads.scripts + reads.snapshots >= BOOKS  # or nothing was counted


async def _cut_off_and_back(
    fleet: Fleet, cut_off: Callable[[Fleet], Awaitable[None]]
) -> tuple[Outcome, ReadCount]:
    ledgers = {fleet.new_book(): Ledger() for _ in range(BOOKS)}
    readers = [
        Reader(server.port, book)
        for server in fleet.servers
        for book in ledgers
        for _ in range(READERS // BOOKS // len(fleet.servers))
    ]
    async with asyncio.TaskGroup() as group:
        reading = [group.create_task(reader.read()) for reader in readers]
        await until(lambda: all(reader.ready for reader in readers))
        for task in reading:
            task.cancel()
    await _post_to_all(fleet, ledgers)
    await cut_off(fleet)
    with ReadCount(fleet) as reads:
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(_come_back(reader)) for reader in readers]
            await until(lambda: all(reader.position[1] == MISSED for reader in readers))
            for task in reading:
                task.cancel()
    return Outcome(fleet, readers, ledgers), reads


async def _come_back(reader: Reader) -> None:
    await asyncio.sleep(random.random())  # noqa: S311
    await reader.read()


async def _post_to_all(fleet: Fleet, ledgers: dict[int, Ledger]) -> None:
    headers = {"Authorization": f"Bearer {fleet.token}"}
    async with httpx.AsyncClient(base_url=fleet.servers[0].url, headers=headers) as client:
        for book, ledger in ledgers.items():
            for number in range(MISSED):
                text = f"text {number}"
                answer = await client.post("/api/reviews/", json={"book": book, "content": text})
                ledger.accepted[answer.raise_for_status().json()["id"]] = text
