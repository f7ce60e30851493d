"""Readers who resume at a process that does not know their book: what is left in Redis decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

import httpx
import pytest
from redis import Redis

from tests.fleet.fleet import Fleet
from tests.fleet.play import Outcome
from tests.fleet.readers import Reader
from tests.fleet.writers import Ledger
from tests.waiting import until

#: Changes of the book; one reader leaves after each of them.
CHANGES = 24
#: How many of them a replica has not got yet.
NEWEST = 3
#: What a script does only to a log that it trusts, and to one that lacks something.
READS, APPENDS = "xrange", "xadd"

Harm = Callable[[Redis, str, str], object]


def trimmed(redis: Redis, log: str, _index: str) -> None:
    """Somebody trims the log below where readers are."""
    redis.xtrim(log, maxlen=2, approximate=False)


def cut_out(redis: Redis, log: str, _index: str) -> None:
    """Somebody deletes an entry in the middle."""
    assert redis.xdel(log, f"{CHANGES - NEWEST}-0") == 1


def log_evicted(redis: Redis, log: str, _index: str) -> None:
    """Redis evicts the log."""
    redis.unlink(log)


def index_evicted(redis: Redis, _log: str, index: str) -> None:
    """Redis evicts what belongs to the log."""
    redis.unlink(index)


def flushed(redis: Redis, _log: str, _index: str) -> None:
    """Everything is deleted, scripts too."""
    redis.flushall()
    redis.script_flush()


def set_back(redis: Redis, log: str, index: str) -> None:
    """A replica takes over that lacks the newest entries."""
    for key in (log, index):
        redis.copy(f"{key}:old", key, replace=True)


@pytest.mark.parametrize("harm", [trimmed, cut_out, log_evicted, index_evicted, flushed, set_back])
def test_a_harmed_log_is_not_read(fleet: Fleet, harm: Harm) -> None:
    """Whatever is missing in Redis, readers who resume elsewhere get their whole difference."""
    outcome, commands = asyncio.run(resume_elsewhere(fleet, harm))

    outcome.assert_converged()
    assert READS not in until_repaired(commands)


def test_a_whole_log_is_read(fleet: Fleet) -> None:
    """When nothing is missing in Redis, readers who resume elsewhere are served from there."""
    outcome, commands = asyncio.run(resume_elsewhere(fleet, lambda *_: None))

    outcome.assert_converged()
    assert READS in until_repaired(commands)


def until_repaired(commands: list[str]) -> list[str]:
    """The commands before a log was given what it lacked: from then on it is worth reading."""
    return commands[: commands.index(APPENDS)] if APPENDS in commands else commands


async def resume_elsewhere(fleet: Fleet, harm: Harm) -> tuple[Outcome, list[str]]:
    """Readers leave one process after each change, and come back at another after the harm.

    With what became of them goes what Redis was asked for after the harm.
    """
    here, elsewhere = fleet.servers
    book, ledger = fleet.new_book(), Ledger()
    readers = [Reader(here.port, book) for _ in range(CHANGES)]
    async with reading(readers) as tasks:
        await until(lambda: all(reader.ready for reader in readers))
        await change_and_leave(fleet, ledger, readers, tasks)
    with fleet.redis.client() as redis:
        log, index = keys_of(redis, book)
        await until(lambda: bool(redis.xrange(log, min=CHANGES)))
        harm(redis, log, index)
    for reader in readers:
        reader.port = elsewhere.port
    with fleet.redis.overheard() as commands:
        async with reading(readers):
            await until(lambda: all(reader.position[1] == CHANGES for reader in readers))
    return Outcome(fleet, readers, {book: ledger}), commands


@asynccontextmanager
async def reading(readers: list[Reader]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Readers, each in a task, as long as it is entered."""
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def change_and_leave(
    fleet: Fleet, ledger: Ledger, readers: list[Reader], tasks: list[asyncio.Task[None]]
) -> None:
    """Changes the book; whenever a reader has the newest change, they leave."""
    book = readers[0].book
    headers = {"Authorization": f"Bearer {fleet.token}"}
    async with httpx.AsyncClient(base_url=fleet.servers[0].url, headers=headers) as client:
        for seq, reader, task in zip(count(1), readers, tasks, strict=False):
            await change(client, book, ledger, seq)
            await until(lambda reader=reader, seq=seq: reader.position[1] == seq)  # type: ignore[misc]
            task.cancel()
            if seq == CHANGES - NEWEST:
                remember(fleet, book)


async def change(client: httpx.AsyncClient, book: int, ledger: Ledger, seq: int) -> None:
    """Posts, edits what was posted last, or deletes it, in turn."""
    text = f"text {seq}"
    newest = max(ledger.accepted, default=0)
    match seq % 4:
        case 0:
            answer = await client.delete(f"/api/reviews/{newest}/")
        case 3:
            answer = await client.patch(f"/api/reviews/{newest}/", json={"content": text})
        case _:
            answer = await client.post("/api/reviews/", json={"book": book, "content": text})
            newest = answer.json()["id"]
    answer.raise_for_status()
    ledger.accepted[newest] = text if seq % 4 else None


def remember(fleet: Fleet, book: int) -> None:
    """Keeps a copy of what Redis has of a book."""
    with fleet.redis.client() as redis:
        for key in keys_of(redis, book):
            redis.copy(key, f"{key}:old")


def keys_of(redis: Redis, book: int) -> tuple[str, str]:
    """The log of a book and what belongs to it."""
    (log,) = redis.scan_iter(f"livria:*:{book}}}:log")
    return log, log.removesuffix("log") + "index"
