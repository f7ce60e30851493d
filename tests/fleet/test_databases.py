"""What may happen to the database: writers are asked to come back, and readers stay."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing

import asyncpg
import pytest

from tests.fleet.fleet import Fleet, open_fleet
from tests.fleet.play import Outcome, play
from tests.parts import PostgresCluster

#: How long the database is away, in seconds.
OUTAGE = 3.0


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two processes on a PostgreSQL that may be harmed."""
    folder = tmp_path_factory.mktemp("fleet")
    with (
        PostgresCluster(folder / "postgres") as postgres,
        open_fleet(folder, processes=2, postgres=postgres) as fleet,
    ):
        yield fleet


async def stopped(fleet: Fleet) -> None:
    """PostgreSQL stands still."""
    assert fleet.postgres
    fleet.postgres.signal(signal.SIGSTOP)
    await asyncio.sleep(OUTAGE)
    fleet.postgres.signal(signal.SIGCONT)


async def killed(fleet: Fleet) -> None:
    """PostgreSQL crashes, and recovers."""
    assert fleet.postgres
    await asyncio.to_thread(fleet.postgres.kill)
    await asyncio.sleep(OUTAGE)
    await asyncio.to_thread(fleet.postgres.start)


async def locked(fleet: Fleet) -> None:
    """Somebody holds a table of PostgreSQL that every change needs."""
    connection = await asyncpg.connect(fleet.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE books IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(OUTAGE)
    finally:
        await connection.close()


async def file_locked(fleet: Fleet) -> None:
    """Somebody holds the write lock of SQLite."""
    path = fleet.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(OUTAGE)
        other.execute("ROLLBACK")


def assert_asked_to_come_back(outcome: Outcome) -> None:
    """Checks that writers had a clear answer, and that readers noticed nothing."""
    refused = [answer for ledger in outcome.ledgers.values() for answer in ledger.refused]
    assert refused
    assert {answer.status_code for answer in refused} == {503}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert [reader.closed for reader in outcome.readers] == [0] * len(outcome.readers)


@pytest.mark.long
@pytest.mark.parametrize("disturb", [stopped, killed, locked], ids=["stopped", "killed", "locked"])
def test_postgres_is_away(fleet: Fleet, disturb: Callable[[Fleet], Awaitable[None]]) -> None:
    """While PostgreSQL is away POSTs are answered 503; streams stay, and nothing is half there."""
    outcome = asyncio.run(play(fleet, disturb))

    outcome.assert_converged()
    assert_asked_to_come_back(outcome)


def test_file_is_locked(fleet_on_a_file: Fleet) -> None:
    """While SQLite is locked POSTs are answered 503; streams stay, and nothing is half there."""
    outcome = asyncio.run(play(fleet_on_a_file, file_locked))

    outcome.assert_converged()
    assert_asked_to_come_back(outcome)
