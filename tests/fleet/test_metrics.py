"""The metrics of a server with several workers: whichever is asked, it tells of all."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fleet.fleet import open_fleet
from tests.parts import Curl, Person, PostgresCluster, ServerProcess
from tests.parts.person import TRUSTED
from tests.parts.processes import workers_of
from tests.waiting import until

BOOK = 4
#: Workers are asked at random: of so many answers, each has given some.
SEVERAL = 12


class Scrape:
    """What a server answers, once."""

    def __init__(self, server: ServerProcess) -> None:
        #: The numbers that may only grow, and the others.
        self.counted: dict[str, float] = {}
        self.gauges: dict[str, float] = {}
        text = httpx.get(f"{server.url}/metrics", verify=TRUSTED).text
        for family in text_string_to_metric_families(text):
            kind = self.gauges if family.type == "gauge" else self.counted
            for sample in family.samples:
                kind[" ".join([sample.name, *sample.labels.values()])] = sample.value

    @property
    def streams(self) -> float:
        """Streams that are open."""
        return self.gauges["livria_streams_open"]

    def assert_nothing_fell(self, before: Scrape) -> None:
        """No counter is lower than it was."""
        fallen = {
            name: (value, self.counted.get(name))
            for name, value in before.counted.items()
            if self.counted.get(name, 0) < value
        }
        assert not fallen


@contextmanager
def stopped(worker: int) -> Iterator[None]:
    """A worker does nothing: whoever connects meets another."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def settled(server: ServerProcess, streams: int) -> None:
    """Waits until every worker tells of so many streams."""
    asyncio.run(until(lambda: {Scrape(server).streams for _ in range(SEVERAL)} == {streams}))


def test_each_worker_tells_of_all(tmp_path: Path, postgres: PostgresCluster) -> None:
    """Whichever worker is asked tells the sum, also of those that have been replaced or killed."""
    with ExitStack() as stack:
        fleet = stack.enter_context(
            open_fleet(tmp_path, processes=1, postgres=postgres, workers="2")
        )
        (server,) = fleet.servers
        for worker in workers_of(server.pid):
            with stopped(worker):
                stream = stack.enter_context(Curl(f"{server.url}/sse/books/{BOOK}/", seconds=60))
                stream.until_event("stream.ready")
        settled(server, 2)
        with Person(server.url, "yuna") as yuna:
            yuna.post(BOOK, "counted")
        asyncio.run(until(lambda: Scrape(server).counted["livria_deliveries_total"] == 2))
        before = Scrape(server)
        assert before.gauges["livria_books_watched"] == 1, "both have the same"
        # The worker that was told of it by Redis has measured how long that took, too.
        assert before.counted["livria_post_to_push_seconds_count"] == 2
        assert before.gauges["livria_redis_away doorbells"] == 0
        for worker in workers_of(server.pid):
            with stopped(worker):
                assert Scrape(server).streams == 2

        before = rolled(server, before)
        settled(server, 0)
        now = Scrape(server)
        now.assert_nothing_fell(before)

        assert now.counted["livria_streams_opened_total live"] == 2
        assert now.counted["livria_streams_closed_total closing"] == 2
        assert now.counted["livria_deliveries_total"] == 2
        killed(server, now)


def test_workers_that_ended_are_kept_as_one(
    tmp_path: Path, postgres: PostgresCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many workers have been replaced, one file tells of them, and none when all end."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    with open_fleet(tmp_path, processes=1, postgres=postgres, workers="2") as fleet:
        (server,) = fleet.servers
        (folder,) = place.iterdir()
        old = workers_of(server.pid)
        server.signal(signal.SIGHUP)
        asyncio.run(until(lambda: workers_of(server.pid).isdisjoint(old)))
        asyncio.run(until(lambda: _files(folder) == [".ended", ".living", ".living"]))
        assert server.stop() == 0
        assert not folder.exists()


def _files(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


def rolled(server: ServerProcess, before: Scrape) -> Scrape:
    """Replaces all workers, and asks all the while; the last answer."""
    old = workers_of(server.pid)
    server.signal(signal.SIGHUP)
    while workers_of(server.pid) & old:
        now = Scrape(server)
        now.assert_nothing_fell(before)
        before = now
    return before


def killed(server: ServerProcess, before: Scrape) -> None:
    """Kills a worker that has a stream; its counters stay, and its stream is open no more."""
    killed, other = workers_of(server.pid)
    with stopped(other), Curl(f"{server.url}/sse/books/{BOOK}/") as stream:
        stream.until_event("stream.ready")
        now = Scrape(server)
        assert now.streams == 1
        os.kill(killed, signal.SIGKILL)
    settled(server, 0)
    last = Scrape(server)
    last.assert_nothing_fell(now)
    last.assert_nothing_fell(before)
    assert last.counted["livria_streams_opened_total live"] == 3
