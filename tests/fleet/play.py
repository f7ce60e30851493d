"""A play: readers and writers at every process, while something happens to the fleet."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.fleet.fleet import Fleet
from tests.fleet.readers import Reader
from tests.fleet.writers import Ledger, Writer
from tests.parts import ReverseProxy
from tests.waiting import until

#: How many reviews are accepted before anything happens, and after it.
WARM_UP = 10


@dataclass(frozen=True)
class Outcome:
    """What came of a play."""

    fleet: Fleet
    readers: list[Reader]
    ledgers: dict[int, Ledger]

    def assert_converged(self) -> None:
        """Checks what must be true whatever happened."""
        for book, ledger in self.ledgers.items():
            truth = self.fleet.reviews(book)
            head, review_count = self.fleet.head(book)
            assert self.fleet.newest_change(book) == head  # no number without its change
            readers = [reader for reader in self.readers if reader.book == book]
            for reader in readers:
                assert reader.replica.reviews == truth
                assert reader.replica.review_count == review_count == len(truth)
                assert reader.position[1] == head
                assert reader.never_went_back()
                assert reader.replica.resets == 0
                assert not reader.created_twice()
            _assert_nothing_lost(ledger, truth)

    def assert_undisturbed(self) -> None:
        """Checks that nobody was sent away, refused, or made to wait."""
        assert [reader.closed for reader in self.readers] == [0] * len(self.readers)
        for ledger in self.ledgers.values():
            assert ledger.refused == []
            assert ledger.p99() < 1
        assert self.slowest() < 2

    def slowest(self) -> float:
        """The longest time in seconds from an answer to a page."""
        return max(
            reader.seen_at[text] - moment
            for reader in self.readers
            for text, moment in self.ledgers[reader.book].accepted_at.items()
        )


def _assert_nothing_lost(ledger: Ledger, truth: dict[int, str]) -> None:
    for review, text in ledger.accepted.items():
        if review not in ledger.unknown:
            assert truth.get(review) == text
    unasked = {text for review, text in truth.items() if review not in ledger.accepted}
    assert unasked <= ledger.unsure
    assert len(truth) == len(set(truth.values()))  # no POST made two


async def play(
    fleet: Fleet,
    disturb: Callable[[Fleet], Awaitable[None]],
    *,
    books: int = 2,
    readers_each: int = 2,
    proxy: ReverseProxy | None = None,
) -> Outcome:
    """Lets everybody read and write while the fleet is disturbed, until all pages are alike.

    With a proxy, all of them come through it, and come back as browsers do. Without, every other
    book is written at the first process alone: the others have nothing of their own by which they
    could notice what they miss.
    """
    ledgers = {fleet.new_book(): Ledger() for _ in range(books)}
    site = proxy.url if proxy else None
    come = _by_way_of(proxy) if proxy else {}
    readers = [
        Reader(**{"port": server.port, "book": book, **come})
        for server in fleet.servers
        for book in ledgers
        for _ in range(readers_each)
    ]
    reading = [asyncio.create_task(reader.read()) for reader in readers]
    await until(lambda: all(reader.ready for reader in readers))
    writing = [
        asyncio.create_task(Writer(site or server.url, fleet.token, book, ledger).write())
        for number, (book, ledger) in enumerate(ledgers.items())
        for server in (fleet.servers if number % 2 else fleet.servers[:1] * len(fleet.servers))
    ]
    try:
        await _more_accepted(ledgers)
        await disturb(fleet)
        await _more_accepted(ledgers)
        await _end(writing)
        for reader in readers:
            await _caught_up(fleet, reader)
    finally:
        await _end([*writing, *reading])
    return Outcome(fleet, readers, ledgers)


def _by_way_of(proxy: ReverseProxy) -> dict[str, Any]:
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return {"port": proxy.port, "tls": tls, "patient": True}


async def _more_accepted(ledgers: dict[int, Ledger]) -> None:
    for ledger in ledgers.values():
        enough = len(ledger.accepted) + WARM_UP
        await until(lambda ledger=ledger, enough=enough: len(ledger.accepted) >= enough)  # type: ignore[misc]


async def _caught_up(fleet: Fleet, reader: Reader) -> None:
    head, _ = await asyncio.to_thread(fleet.head, reader.book)
    await until(lambda: reader.position[1] >= head)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            raise error
