"""Attacks by requests that are whole and allowed, and cost as much as they can."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx

from tests.hostile.wire import Target, connected, request, statuses

#: What the attacker has written, to ask for it again and again.
BOOK, REVIEWS, TEXT = 8, 300, "x" * 2_000
ASKERS, ASKS = 10, 4


async def asking_for_all(target: Target) -> None:
    """Writes much, and asks for all of it: as changes, on streams, in lists and on pages."""
    position = await _write_much(target)
    start = position.partition("-")[0] + "-0"
    paths = [
        f"/api/reviews/changes/?book={BOOK}&after={start}",
        f"/sse/books/{BOOK}/?last_event_id={start}",
        f"/api/reviews/?book={BOOK}&limit=200",
        "/api/books/?limit=100",
        f"/books/{BOOK}/",
    ]
    asking = (_ask_again(target, path, position.encode()) for path in paths for _ in range(ASKERS))
    await asyncio.gather(*asking)


async def _write_much(target: Target) -> str:
    async with target.client(Authorization=f"Bearer {target.token}") as client:
        while True:
            with suppress(httpx.TransportError):  # closed: the connections come too fast
                book = await client.get(f"/api/books/{BOOK}/")
                if book.status_code == 200:
                    missing = REVIEWS - book.json()["review_count"]
                    position: str = book.json()["position"]
                    if missing <= 0:
                        return position
                    written = {"book": BOOK, "content": f"{missing} {TEXT}"}
                    await client.post("/api/reviews/", json=written)


async def _ask_again(target: Target, path: str, last: bytes) -> None:
    for _ in range(ASKS):
        async with connected(target) as wire:
            await wire.send(request("GET", path, {"Connection": "close"}))
            stream = path.startswith("/sse/")
            received = await (wire.until(b"id: " + last + b"\n\n") if stream else wire.rest())
            assert set(statuses(received[:100])) <= {200, 429}


async def small_pieces(target: Target) -> None:
    """Sends bodies in chunks of one byte, to where nobody reads them."""
    await asyncio.gather(*(_send_pieces(target) for _ in range(ASKERS)))


async def _send_pieces(target: Target) -> None:
    async with connected(target) as wire:
        await wire.send(request("GET", "/nothing", {"Transfer-Encoding": "chunked"}))
        for _ in range(100):
            if not await wire.send(b"1\r\na\r\n" * 10_000):
                return
        raise AssertionError("all of it was taken")


async def long_targets(target: Target) -> None:
    """Asks for streams and for changes with as much in the address as there is room for."""
    queries = ["%aa=%&" * 2_500, "%aa=%&" * 100, "x=" + "%aa" * 1_300]
    paths = [
        f"{path}?book=99999&{query}"
        for path in ("/sse/books/", "/api/books/changes/")
        for query in queries
    ]
    await asyncio.gather(*(_ask_long(target, path) for path in paths * ASKERS))


async def _ask_long(target: Target, path: str) -> None:
    for _ in range(ASKS):
        async with connected(target) as wire:
            await wire.send(request("GET", path, {"Connection": "close"}))
            assert set(statuses((await wire.rest())[:100])) <= {200, 404, 414, 422, 429}


async def signing_in(target: Target) -> None:
    """Signs in under twenty names at once, each of which takes long to refuse."""
    async with target.client() as client:
        answers = await asyncio.gather(
            *(
                client.post("/api/accounts/login/", json={"username": name, "password": TEXT[:20]})
                for name in (f"nobody{number}" for number in range(20))
            ),
            return_exceptions=True,
        )
    for answer in answers:
        if not isinstance(answer, httpx.TransportError):  # closed: they come too fast
            assert isinstance(answer, httpx.Response), answer
            assert answer.status_code in {401, 408, 429}
