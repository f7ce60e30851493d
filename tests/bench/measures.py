"""The measurements: each says what it counts, and in which unit."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from math import inf

import httpx

from tests.bench.crowd import Crowd, crowd
from tests.bench.peers import Peer, Service


@dataclass(frozen=True)
class Fanout:
    """What it costs to bring reviews to readers."""

    #: Server CPU for one copy of one review that reached one reader, storing it included.
    us_per_copy: float
    copies_per_second: float
    #: From the sending of a POST until the last reader has the review.
    p50_ms: float
    p99_ms: float
    #: Server memory for one idle reader, and CPU for one who connects.
    kib_per_reader: float
    us_per_connect: float


def fanout(peer: Peer, *, readers: int, events: int, rate: float, books: int = 1) -> Fanout:
    """Posts reviews to books whose readers are spread evenly; at a rate, or back to back (inf)."""
    with crowd(peer.port) as those:
        before = peer.usage()
        those.open_readers([peer.stream(1 + number % books) for number in range(readers)])
        time.sleep(0.5)
        idle = peer.usage()
        began = time.perf_counter()
        lags = _post_paced(those, peer, readers // books, events, rate, books)
        seconds = time.perf_counter() - began
        after = peer.usage()
    lags.sort()
    return Fanout(
        us_per_copy=(after.cpu_seconds - idle.cpu_seconds) / those.copies * 1e6,
        copies_per_second=those.copies / seconds,
        p50_ms=lags[len(lags) // 2] * 1e3,
        p99_ms=lags[int(len(lags) * 0.99)] * 1e3,
        kib_per_reader=(idle.kib - before.kib) / readers,
        us_per_connect=(idle.cpu_seconds - before.cpu_seconds) / readers * 1e6,
    )


def _post_paced(
    those: Crowd, peer: Peer, copies_each: int, events: int, rate: float, books: int
) -> list[float]:
    """Posts one review after the other; how long each took to its last reader, in seconds."""
    (poster,) = those.add_posters(1, lambda number: peer.post(number, 1 + number % books))
    lags = []
    due = time.perf_counter()
    for number in range(events):
        while time.perf_counter() < due:
            those.turn(due - time.perf_counter())
        sent, expected = time.perf_counter(), those.copies + copies_each
        poster.post(number)
        those.wait(lambda expected=expected: poster.idle and those.copies >= expected)  # type: ignore[misc]
        lags.append(time.perf_counter() - sent)
        due = max(due + (0 if rate == inf else 1 / rate), time.perf_counter() if rate == inf else 0)
    return lags


def writes(peer: Peer, *, writers: int, seconds: float) -> float:
    """Reviews that are stored in a second while so many write at once, and nobody reads."""
    with crowd(peer.port) as those:
        posters = those.add_posters(writers, peer.post)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for number, poster in enumerate(posters):
                if poster.idle:
                    poster.post(number)
            those.turn(0.05)
        those.wait(lambda: all(poster.idle for poster in posters))
        return sum(poster.accepted for poster in posters) / (time.perf_counter() - began)


@dataclass(frozen=True)
class Return:
    """What it costs when readers come back who missed something."""

    us_per_reader: float
    #: Until the last of them has all.
    seconds: float


def catch_up(peer: Service, *, readers: int, missed: int) -> Return:
    """Readers come back, all at once, who have missed so many reviews."""
    epoch = httpx.get(f"{peer.server.url}/api/books/2/").json()["position"].partition("-")[0]
    with crowd(peer.port) as those:
        (poster,) = those.add_posters(1, lambda number: peer.post(number, 2))
        for number in range(missed):
            poster.post(number)
            those.wait(lambda: poster.idle)
        before, began = peer.usage(), time.perf_counter()
        those.open_readers([f"{peer.stream(2)}?last_event_id={epoch}-0"] * readers)
        those.wait(lambda: those.copies >= readers * missed)
        seconds = time.perf_counter() - began
        return Return((peer.usage().cpu_seconds - before.cpu_seconds) / readers * 1e6, seconds)


@dataclass(frozen=True)
class Opening:
    """How long a book takes, in milliseconds, median of fifty."""

    page_ms: float
    post_ms: float
    connect_us: float


def opening(peer: Service, book: int) -> Opening:
    """Opens a book, posts to it, and opens streams of it."""
    with httpx.Client(
        base_url=peer.server.url, headers={"Authorization": f"Bearer {peer.token}"}
    ) as client:
        pages, posts = [], []
        for number in range(50):
            began = time.perf_counter()
            client.get(f"/api/books/{book}/").raise_for_status()
            pages.append(time.perf_counter() - began)
            began = time.perf_counter()
            review = {"book": book, "content": f"one more {number}"}
            client.post("/api/reviews/", json=review).raise_for_status()
            posts.append(time.perf_counter() - began)
    with crowd(peer.port) as those:
        before = peer.usage()
        those.open_readers([peer.stream(book)] * 500)
        spent = peer.usage().cpu_seconds - before.cpu_seconds
    return Opening(sorted(pages)[25] * 1e3, sorted(posts)[25] * 1e3, spent / 500 * 1e6)


def fill(peer: Service, book: int, reviews: int) -> None:
    """Gives a book reviews, past the service."""
    rows = ((book, f"review {seq}", seq, seq) for seq in range(1, reviews + 1))
    with closing(sqlite3.connect(peer.server.database, timeout=30)) as database, database:
        database.executemany(
            "INSERT INTO reviews (book_id, account_id, content, created_seq, seq, created_at,"
            " updated_at) VALUES (?, 1, ?, ?, ?, 0, 0)",
            rows,
        )
        database.execute(
            "UPDATE books SET last_seq = ?, review_count = ? WHERE id = ?", (reviews, reviews, book)
        )
