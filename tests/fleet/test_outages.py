"""What may happen to Redis while everybody reads and writes: no page and no writer feels it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.fleet.fleet import Fleet
from tests.fleet.play import play
from tests.parts import RedisServer
from tests.waiting import until

#: How long an outage lasts, in seconds.
OUTAGE = 5.0 if os.environ.get("LIVRIA_TEST_LONG") else 1.5

Disturbance = Callable[[Fleet], Awaitable[None]]


async def killed_and_empty(fleet: Fleet) -> None:
    """Redis is killed, and started again with nothing."""
    fleet.redis.kill()
    await asyncio.sleep(OUTAGE)
    await asyncio.to_thread(fleet.redis.start, empty=True)


async def killed_and_restored(fleet: Fleet) -> None:
    """Redis is killed, and started again with what was on its disk."""
    fleet.redis.kill()
    await asyncio.sleep(OUTAGE)
    await asyncio.to_thread(fleet.redis.start)


async def stopped(fleet: Fleet) -> None:
    """Redis stands still: connections stay, and nothing comes back."""
    fleet.redis.signal(signal.SIGSTOP)
    await asyncio.sleep(OUTAGE)
    fleet.redis.signal(signal.SIGCONT)


async def flushed(fleet: Fleet) -> None:
    """Everything in Redis is deleted, scripts too."""
    for _ in range(5):
        with fleet.redis.client() as client:
            client.flushall()
            client.script_flush()
        await asyncio.sleep(OUTAGE / 10)


async def network_paused(fleet: Fleet) -> None:
    """The network to Redis lets nothing through, and later all at once."""
    for proxy in fleet.proxies:
        proxy.pause()
    await asyncio.sleep(OUTAGE)
    for proxy in fleet.proxies:
        proxy.resume()


async def writer_cut_off(fleet: Fleet) -> None:
    """The process that writes does not reach Redis, and the others do: they cannot know."""
    fleet.proxies[0].pause()
    await asyncio.sleep(OUTAGE)
    fleet.proxies[0].resume()


async def reader_cut_off(fleet: Fleet) -> None:
    """A process that only reads does not reach Redis, and the one that writes does."""
    fleet.proxies[-1].pause()
    await asyncio.sleep(OUTAGE)
    fleet.proxies[-1].resume()


async def memory_full(fleet: Fleet) -> None:
    """Redis answers, and refuses to keep anything more."""
    with fleet.redis.client() as client:
        client.config_set("maxmemory", 1)
        await asyncio.sleep(OUTAGE)
        client.config_set("maxmemory", 0)


async def replies_lost(fleet: Fleet) -> None:
    """Redis appends, and its reply is lost."""
    for proxy in 2 * fleet.proxies:
        proxy.lose_reply_to(b"EVALSHA")
        await until(lambda proxy=proxy: proxy.lost)  # type: ignore[misc]
        await asyncio.sleep(OUTAGE / 5)


async def keys_evicted(fleet: Fleet) -> None:
    """Redis evicts streams, or what belongs to them."""
    for pattern in ("livria:*:log", "livria:*:index", "livria:*"):
        with fleet.redis.client() as client:
            for key in client.scan_iter(pattern):
                client.unlink(key)
        await asyncio.sleep(OUTAGE / 5)


async def streams_trimmed(fleet: Fleet) -> None:
    """Somebody trims all streams below where readers are."""
    for _ in range(3):
        with fleet.redis.client() as client:
            for key in client.scan_iter("livria:*:log"):
                client.xtrim(key, maxlen=2, approximate=False)
        await asyncio.sleep(OUTAGE / 5)


async def replica_promoted(fleet: Fleet) -> None:
    """A replica that lacks the newest entries takes over."""
    folder: Path = fleet.redis.folder.with_name("replica")
    with RedisServer(folder, replica_of=fleet.redis) as replica:
        with replica.client() as client:
            await until(lambda: client.info("replication")["master_link_status"] == "up")
            client.replicaof("NO", "ONE")
        await asyncio.sleep(OUTAGE / 2)
        for proxy in fleet.proxies:
            proxy.lead_to(replica.address)
        await asyncio.sleep(OUTAGE)
        for proxy in fleet.proxies:  # and back, to one that lacks what came since
            proxy.lead_to(fleet.redis.address)


QUICK = [killed_and_empty, writer_cut_off]
LONG = [
    killed_and_restored,
    stopped,
    flushed,
    network_paused,
    reader_cut_off,
    memory_full,
    replies_lost,
    keys_evicted,
    streams_trimmed,
    replica_promoted,
]


@pytest.mark.parametrize(
    "disturb",
    [*QUICK, *(pytest.param(each, marks=pytest.mark.long) for each in LONG)],
    ids=lambda disturb: disturb.__name__,
)
def test_nobody_feels_it(fleet: Fleet, disturb: Disturbance) -> None:
    """All pages of all processes follow within 2 s, no POST takes a second, no stream is closed."""
    outcome = asyncio.run(play(fleet, disturb))

    outcome.assert_converged()
    outcome.assert_undisturbed()
