"""Attacks by what requests ask for, and by what they say of whoever sends them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import count, product, repeat
from urllib.parse import quote, quote_from_bytes

from tests.hostile.wire import PROXY, Target, Wire, assert_refused, connected, request, statuses

UNKNOWN = range(1_000_000, 1_010_000)
AT_ONCE, BATCH = 10, 8
#: What the server that is attacked allows of one address.
STREAMS_PER_ADDRESS, FORGERS = 100, 120
FORGED = "2026-01-01 00:00:00,000 ERROR livria_sse: forged"

POSITIONS = [
    b"0", b"-", b"-1", b"k7q2m", b"k7q2m-", b"k7q2m--1", b"k7q2m-1e9", b"k7q2m-01", b"K7Q2M-1",
    b"k7q2m-99999999999999999999", b"k7q2m-9007199254740991", b"k7q2m-9007199254740992",
    b"zzzzz-0", b"0-0", b"1-0-0", b"$", b">", b"+", b"*", b"(0-1", b"1-*",
    b"a" * 12 + b"-1", b"a" * 13 + b"-1", b"x" * 10_000, b"1" * 10_000, b"-" * 10_000,
    b"'; DROP TABLE reviews; --", b"<script>", b"\\r\\nid: 1", b"{}", b"[1]", b"null", b"NaN",
    b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xef\xbb\xbfk7q2m-1", b"\xd9\xa1-\xd9\xa1",
    b"k7q2m-1 ", b"k7q2m-1;", b"k7q2m -1", b"k7q2m-1,k7q2m-2",
]  # fmt: skip


async def unknown_books(target: Target) -> None:
    """Asks for 10,000 books that are not there, for their streams as well."""
    await asyncio.gather(*(_ask_for(target, UNKNOWN[n::AT_ONCE]) for n in range(AT_ONCE)))


async def _ask_for(target: Target, books: range) -> None:
    async with connected(target) as wire:
        for first in range(0, len(books), BATCH):
            batch = books[first : first + BATCH]
            paths = [("/api" if book % 4 == 0 else "/sse") + f"/books/{book}/" for book in batch]
            await wire.send(b"".join(request("GET", path) for path in paths))
            received: list[int] = []
            while len(received) < len(batch):
                received += statuses(await wire.piece() or b"")
            assert set(received) == {404}


async def garbage_positions(target: Target) -> None:
    """Resumes from what is no position of ours, in the header and in the address."""
    await asyncio.gather(
        *(_resume(target, b"", position) for position in [*POSITIONS, b"\0", b"\r1", b"a\0-1"]),
        *(_resume(target, quote_from_bytes(each).encode(), b"") for each in POSITIONS),
    )


async def _resume(target: Target, queried: bytes, sent: bytes) -> None:
    head = b"GET /sse/books/%d/?last_event_id=%b HTTP/1.1\r\nHost: x\r\nLast-Event-ID: %b\r\n\r\n"
    async with connected(target) as wire:
        await wire.send(head % (target.book, queried, sent))
        received = await wire.until(b"event: stream.reset")
        if b"event: stream.reset" not in received:
            # Nothing: the address may open no connections at present.
            assert statuses(received) in ([400], [414], [431], []), received


async def forged_forwarding(target: Target) -> None:
    """Opens streams as somebody else each time, behind a proxy that says who it really is."""
    async with AsyncExitStack() as stack:
        proxied = (connected(target, address=PROXY) for _ in range(FORGERS))
        wires = [await stack.enter_async_context(each) for each in proxied]
        answers = await asyncio.gather(*map(_open_as, count(), repeat(target.book), wires))
        admitted = sum(b"event: stream.ready" in each for each in answers)
        turned_away = sum(b"event: stream.busy" in each for each in answers)
    assert (admitted, turned_away) == (STREAMS_PER_ADDRESS, FORGERS - STREAMS_PER_ADDRESS)


async def _open_as(number: int, book: int, wire: Wire) -> bytes:
    somebody = f"198.51.100.{number}"
    lines = {
        "Forwarded": f"for={somebody}",
        "X-Real-IP": somebody,
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-For": f"{somebody}, nonsense, 127.0.0.1, 10.0.0.{number}, 203.0.113.9",
    }
    await wire.send(request("GET", f"/sse/books/{book}/", lines))
    return await wire.until(b"data: ")


async def cross_site(target: Target) -> None:
    """Sends what pages of another site can make a browser send, with the cookie of a reader."""
    cookie = {"Cookie": f"livria_session={target.token}"}
    from_elsewhere: list[dict[str, str]] = [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "same-site"},
    ]
    types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    body = f'{{"book": {target.book}, "content": "forged"}}'.encode()
    async with target.client(**cookie) as browser:
        for address in (
            *("/api/reviews/", "/api/accounts/logout/", "/sign-out/", "/language/"),
            *(f"/books/{target.book}/reviews/", f"/books/{target.book}/reviews/1/delete/"),
        ):
            for headers, type_ in product(from_elsewhere, [*types, "application/json"]):
                answer = await browser.post(
                    address, content=body, headers={**headers, "Content-Type": type_}
                )
                assert answer.status_code == 403
        for type_ in types:  # of a browser that says nothing
            answer = await browser.post(
                "/api/reviews/", content=body, headers={"Content-Type": type_}
            )
            assert answer.status_code == 415
        assert (await browser.get("/api/accounts/me/")).status_code == 200
        assert "forged" not in (await browser.get(f"/api/books/{target.book}/")).text


async def log_injection(target: Target) -> None:
    """Says everywhere what would be a line of the log, were it written as it is."""
    escaped = quote(f"\n{FORGED}\r\n\x1b[2K{FORGED}")
    paths = [f"/{escaped}", f"/sse/books/{escaped}/", f"/sse/books/99?last_event_id={escaped}"]
    names = ("User-Agent", "X-Forwarded-For", "Referer", "Last-Event-ID", "Authorization")
    values = (f"\t{FORGED}", f"\x1b[2K\x85{FORGED}")
    for path, method, value in product(paths, ("GET", "POST", escaped), values):
        async with connected(target) as wire:
            lines = {**dict.fromkeys(names, value), "Connection": "close"}
            await wire.send(request(method, path, lines))
            assert_refused(await wire.rest())
    async with target.client() as client:
        for address in ("/api/accounts/signup/", "/api/accounts/login/"):
            given = {"username": f"\n{FORGED}", "password": f"\n{FORGED}"}
            assert (await client.post(address, json=given)).status_code in {401, 422}
