"""Several processes, and what becomes of a book when one of them dies."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from tests.fleet.fleet import Fleet, open_fleet
from tests.fleet.play import play
from tests.parts import Curl, PostgresCluster
from tests.parts.processes import children_of, workers_of
from tests.waiting import until

#: How often a process is killed.
KILLS = 25 if os.environ.get("LIVRIA_TEST_LONG") else 3


async def nothing(fleet: Fleet) -> None:
    """Nothing happens."""


def test_two_processes(fleet: Fleet) -> None:
    """Two processes, with writers and readers of several books on both, show the same pages."""
    outcome = asyncio.run(play(fleet, nothing, books=3))

    outcome.assert_converged()
    outcome.assert_undisturbed()


@pytest.mark.long
def test_four_processes(tmp_path: Path, postgres: PostgresCluster) -> None:
    """So do four."""
    with open_fleet(tmp_path, processes=4, postgres=postgres) as fleet:
        outcome = asyncio.run(play(fleet, nothing, books=3))

        outcome.assert_converged()
        outcome.assert_undisturbed()


@pytest.mark.long
def test_two_processes_on_a_file(fleet_on_a_file: Fleet) -> None:
    """So do two on one SQLite file."""
    outcome = asyncio.run(play(fleet_on_a_file, nothing))

    outcome.assert_converged()
    outcome.assert_undisturbed()


@pytest.mark.long
def test_without_redis(tmp_path: Path) -> None:
    """Two servers on one SQLite file converge without Redis, by their audits alone."""
    with open_fleet(tmp_path, processes=2, redis=False, audit_seconds="0.5") as fleet:
        outcome = asyncio.run(play(fleet, nothing))

        outcome.assert_converged()
        outcome.assert_undisturbed()


async def killed_at_random(fleet: Fleet) -> None:
    """A process is killed in the middle of whatever it does, again and again."""
    chance = random.Random(7)  # noqa: S311
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0, 0.2))
        await asyncio.to_thread(fleet.servers[0].kill)
        await asyncio.to_thread(fleet.servers[0].start)


async def killed_before_publishing(fleet: Fleet) -> None:
    """A process is killed with much that it has committed and not published."""
    fleet.redis.signal(signal.SIGSTOP)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(fleet.servers[0].kill)
    fleet.redis.signal(signal.SIGCONT)
    await asyncio.to_thread(fleet.servers[0].start)


@pytest.mark.parametrize(
    "disturb", [pytest.param(killed_at_random, marks=pytest.mark.long), killed_before_publishing]
)
def test_killed_processes(fleet: Fleet, disturb: object) -> None:
    """What a process had accepted when it was killed reaches all pages, each once."""
    outcome = asyncio.run(play(fleet, disturb))  # type: ignore[arg-type]

    outcome.assert_converged()
    others = [reader for reader in outcome.readers if reader.port != fleet.servers[0].port]
    assert [reader.closed for reader in others] == [0] * len(others)


def test_workers_of_one_server(tmp_path: Path, postgres: PostgresCluster) -> None:
    """`--workers` processes behind one port are no different."""
    with open_fleet(tmp_path, processes=1, postgres=postgres, workers="2") as fleet:
        outcome = asyncio.run(play(fleet, nothing, readers_each=6))

        outcome.assert_converged()
        outcome.assert_undisturbed()
        assert len(children_of(fleet.servers[0].pid)) >= 2


def test_workers_are_rolled(tmp_path: Path, postgres: PostgresCluster) -> None:
    """On SIGHUP every worker is replaced by a new one, and nobody misses or repeats a review."""
    with open_fleet(tmp_path, processes=1, postgres=postgres, workers="2") as fleet:
        (server,) = fleet.servers
        old = workers_of(server.pid)

        outcome = asyncio.run(play(fleet, rolled, readers_each=100))

        outcome.assert_converged()
        assert {reader.closed for reader in outcome.readers} <= {1, 2}
        assert workers_of(server.pid).isdisjoint(old)
        assert len(workers_of(server.pid)) == 2
        assert "ERROR" not in server.log.read_text()


def test_stopping_during_a_roll(tmp_path: Path, postgres: PostgresCluster) -> None:
    """A server that is told to stop while it replaces its workers stops, and none is left."""
    with open_fleet(tmp_path, processes=1, postgres=postgres, workers="2") as fleet:
        (server,) = fleet.servers
        old = workers_of(server.pid)
        server.signal(signal.SIGHUP)
        asyncio.run(until(lambda: any(map(_runs, workers_of(server.pid) - old))))
        everybody = workers_of(server.pid)

        server.signal(signal.SIGTERM)

        assert server.wait() == 0
        assert not [each for each in everybody if Path(f"/proc/{each}").exists()]
        assert "ERROR" not in server.log.read_text()
        assert "Traceback" not in server.log.read_text()


def _runs(worker: int) -> bool:
    # It has come as far as to watch its parent.
    tasks = Path(f"/proc/{worker}/task")
    return tasks.exists() and len(list(tasks.iterdir())) > 1


def test_workers_leave_signals_to_their_supervisor(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    """A SIGHUP that goes to all processes at once replaces the workers, and cuts nobody off."""
    with open_fleet(tmp_path, processes=1, postgres=postgres, workers="2") as fleet:
        (server,) = fleet.servers
        old = workers_of(server.pid)
        with Curl(f"{server.url}/sse/books/4/") as stream:
            stream.until_event("stream.ready")
            for worker in old:
                os.kill(worker, signal.SIGHUP)
            server.signal(signal.SIGHUP)

            stream.until_event("stream.closing")
        asyncio.run(until(lambda: workers_of(server.pid).isdisjoint(old)))
        asyncio.run(until(lambda: list(map(_runs, workers_of(server.pid))) == [True, True]))
        new = workers_of(server.pid)
        for worker in new:
            os.kill(worker, signal.SIGHUP)
        server.signal(signal.SIGHUP)
        asyncio.run(until(lambda: workers_of(server.pid).isdisjoint(new)))
        asyncio.run(until(lambda: list(map(_runs, workers_of(server.pid))) == [True, True]))

        assert "ended with status" not in server.log.read_text()


async def rolled(fleet: Fleet) -> None:
    """All workers are replaced."""
    (server,) = fleet.servers
    old = workers_of(server.pid)
    server.signal(signal.SIGHUP)
    await until(lambda: workers_of(server.pid).isdisjoint(old))
