"""Many who write at once."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from contextlib import closing

import httpx
from tests.parts import Person, ServerProcess
from tests.replica import Replica

POSTERS = 200


def test_concurrent_posters_all_succeed(server: ServerProcess, mina: Person, book: int) -> None:
    """Two hundred who post at once all succeed, and their changes are numbered without a gap."""
    answers = asyncio.run(_post_at_once(server.url, mina.token, book))

    assert [answer.status_code for answer in answers] == [201] * POSTERS
    seqs = sorted(int(answer.headers["Livria-Position"].partition("-")[2]) for answer in answers)
    assert seqs == list(range(1, POSTERS + 1))
    with closing(sqlite3.connect(server.database)) as database:
        rows = database.execute("SELECT seq, content FROM reviews WHERE book_id = ?", [book])
        stored = dict(rows.fetchall())
    assert stored == {
        int(answer.headers["Livria-Position"].partition("-")[2]): answer.json()["content"]
        for answer in answers
    }


async def _post_at_once(url: str, token: str, book: int) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=POSTERS)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=60
    ) as client:
        return await asyncio.gather(
            *(
                client.post("/api/reviews/", json={"book": book, "content": f"review {number}"})
                for number in range(POSTERS)
            )
        )


def test_readers_see_every_poster(server: ServerProcess, mina: Person, book: int) -> None:
    """A reader who is there while hundreds post has every review in the end, each once."""
    replica = Replica()

    async def read() -> None:
        address = f"{server.url}/sse/books/{book}/"
        async with (
            httpx.AsyncClient(timeout=60) as client,
            client.stream("GET", address) as stream,
        ):
            pieces = stream.aiter_bytes()
            replica.feed(await anext(pieces))
            posting = asyncio.create_task(_post_at_once(server.url, mina.token, book))
            while len(replica.reviews) < POSTERS:
                replica.feed(await anext(pieces))
            await posting

    asyncio.run(read())

    created = [
        event.json["review"]["id"] for event in replica.events if event.type == "review.created"
    ]
    assert len(created) == len(set(created)) == POSTERS
    assert replica.review_count == POSTERS


def test_acknowledged_reviews_survive(server: ServerProcess, mina: Person, book: int) -> None:
    """What was answered with 201 is there after the process was killed the moment after."""
    posted = [mina.post(book, f"review {number}")["id"] for number in range(20)]

    server.kill()
    server.start()

    assert [review["id"] for review in mina.get(f"/api/reviews/?book={book}")["reviews"]] == [
        *reversed(posted)
    ]


def test_a_retry_posts_once(server: ServerProcess, mina: Person, book: int) -> None:
    """A request that is repeated with its key, also at once and after a crash, posts one review."""

    async def post_twice() -> list[int]:
        headers = {"Authorization": f"Bearer {mina.token}", "Idempotency-Key": "once"}
        body = {"book": book, "content": "one"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
            both = await asyncio.gather(*(client.post("/api/reviews/", json=body) for _ in "ab"))
            return [answer.json()["id"] for answer in both]

    first, second = asyncio.run(post_twice())
    server.kill()
    server.start()
    third = mina.post(book, "one", **{"Idempotency-Key": "once"})["id"]

    assert first == second == third
    assert mina.get(f"/api/books/{book}/")["review_count"] == 1


def test_bodies_that_break_off(server: ServerProcess, mina: Person, book: int) -> None:
    """Who leaves in the middle of a body writes nothing, and leaves no traceback in the log."""
    head = (
        f"POST /api/reviews/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {mina.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + b'{"bo')
    mina.post(book, "whole")

    server.stop()
    assert "Traceback" not in server.log.read_text()
