"""A restore from a backup: what was counted since is not trusted any more."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx

from tests.fleet.fleet import Fleet, open_fleet
from tests.fleet.readers import Reader
from tests.waiting import until


def test_readers_are_reset_once(tmp_path: Path) -> None:
    """After a restore and `new-epoch`, every reader is reset once and goes on.

    What the lost life left in Redis is poisoned, so that reading it would be noticed.
    """
    with open_fleet(tmp_path, processes=2) as fleet:
        asyncio.run(restore_under_readers(fleet, tmp_path))

        for server in fleet.servers:
            assert "Redis" not in server.log.read_text()


async def restore_under_readers(fleet: Fleet, folder: Path) -> None:
    """Readers read on while the database is set back."""
    book = fleet.new_book()
    readers = [Reader(server.port, book) for server in fleet.servers for _ in range(3)]
    reading = [asyncio.create_task(reader.read()) for reader in readers]
    await until(lambda: all(reader.ready for reader in readers))
    await post(fleet, book, "in the backup")
    back_up(folder / "livria.db", folder / "backup.db")
    await post(fleet, book, "lost", "lost too")
    await until(lambda: all(len(reader.replica.reviews) == 3 for reader in readers))

    await asyncio.to_thread(set_back, fleet, folder)

    await until(lambda: all(reader.replica.resets for reader in readers))
    await post(fleet, book, "afterwards")
    await until(lambda: all("afterwards" in reader.seen_at for reader in readers))
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    assert [reader.replica.resets for reader in readers] == [1] * len(readers)
    assert {reader.position for reader in readers} == {(epoch_of(fleet), 2)}


def back_up(path: Path, copy: Path) -> None:
    """Copies the database while it is used."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def set_back(fleet: Fleet, folder: Path) -> None:
    """Stops the servers, restores the backup, declares a new epoch, and starts them again."""
    for server in fleet.servers:
        server.stop()
    with fleet.redis.client() as client:
        for key in client.scan_iter("livria:*"):
            client.set(key, "poison")
    for left in folder.glob("livria.db*"):
        left.unlink()
    shutil.copy(folder / "backup.db", folder / "livria.db")
    subprocess.run(
        [sys.executable, "-m", "livria_sse", "new-epoch"],
        env=fleet.servers[0].environment(),
        check=True,
        capture_output=True,
    )
    for server in fleet.servers:
        server.start()


def epoch_of(fleet: Fleet) -> str:
    """The epoch in the database."""
    ((epoch,),) = fleet.rows("SELECT value FROM facts WHERE name = 'epoch'")
    return str(epoch)


async def post(fleet: Fleet, book: int, *texts: str) -> None:
    """Posts reviews."""
    headers = {"Authorization": f"Bearer {fleet.token}"}
    async with httpx.AsyncClient(base_url=fleet.servers[0].url, headers=headers) as client:
        for text in texts:
            answer = await client.post("/api/reviews/", json={"book": book, "content": text})
            assert answer.status_code == 201
