"""Attacks by connections: what is sent too slowly, too much, or not at all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterable, Iterator
from typing import TypeVar

from tests.hostile.wire import (
    ELSEWHERE,
    PROXY,
    Target,
    Wire,
    assert_refused,
    connected,
    request,
    statuses,
)

T = TypeVar("T")

AT_ONCE = 40
#: More than the server lets an address hold open.
IDLE = 600
#: How long somebody slow lets pass between two bytes.
PACE_SECONDS = 0.05
JSON = {"Content-Type": "application/json"}
BODY = request("POST", "/api/accounts/login/", {**JSON, "Content-Length": "10000"})
CHUNKS = request("POST", "/api/accounts/login/", {**JSON, "Transfer-Encoding": "chunked"})
#: Asked for by somebody behind a proxy, if it comes from one.
BOOKS = request("GET", "/api/books/", {"X-Forwarded-For": "192.0.2.66"})
#: A site whose pages may use the API.
ORIGIN = "https://livria.example"
LEAVERS = 4_000
ASKERS, ASKS = 300, 10
FLOOD = 2 * 1024 * 1024


async def slow_heads(target: Target) -> None:
    """Sends heads byte by byte, on many connections at once, without an end."""
    beginnings = (request("GET", "/healthz")[:-2], b"G", b"\r\n")
    await _all(_drip(target, beginning) for beginning in _some(*beginnings))


async def slow_bodies(target: Target) -> None:
    """Sends bodies byte by byte, whole ones and chunks of one byte."""
    await _all(_drip(target, *given) for given in _some((BODY,), (CHUNKS, b"1\r\nx\r\n")))


async def _drip(target: Target, beginning: bytes, byte: bytes = b"x") -> None:
    async with connected(target) as wire:
        await wire.send(beginning)
        received = None
        while received is None:
            await wire.send(byte)
            received = await wire.piece(seconds=PACE_SECONDS)
        assert_refused(received + await wire.rest())


async def half_open(target: Target) -> None:
    """Opens connections and says nothing, or no more in the middle of a word or of a stream."""
    stream = request("GET", f"/sse/books/{target.book}/")
    await _all(_silence(target, beginning) for beginning in _some(b"", b"GET /heal", BODY))
    await _all(_no_more(target, beginning) for beginning in _some(b"", b"GET /heal", BODY, stream))


async def _silence(target: Target, beginning: bytes) -> None:
    async with connected(target) as wire:
        await wire.send(beginning)
        assert_refused(await wire.rest())


async def _no_more(target: Target, beginning: bytes) -> None:
    async with connected(target) as wire:
        await wire.send(beginning)
        if b"/sse/" in beginning:
            await wire.until(b"stream.ready")
        wire.finish()
        assert_refused(await wire.rest())


async def idle_sockets(target: Target) -> None:
    """Opens very many connections from one address and says nothing."""
    received = await asyncio.gather(*(_say_nothing(target) for _ in range(IDLE)))
    assert received.count(b"") > 0
    assert_refused(b"".join(received))


async def _say_nothing(target: Target) -> bytes:
    async with connected(target) as wire:
        return await wire.rest()


async def header_floods(target: Target) -> None:
    """Sends headers without end: many, long ones, chunk extensions, and trailers."""
    head = request("GET", "/healthz")[:-2]
    floods = (
        (head, b"X-%d: y\r\n"),
        (head, b"X-%d: " + b"y" * 60_000 + b"\r\n"),
        (head + b"X: ", b"%d" + b"y" * 60_000),
        (head + b"Cookie: ", b"a%d=b; "),
        (b"GET /", b"%d" + b"y" * 60_000),
        (CHUNKS + b"2;", b"%d" + b"y" * 60_000),
        (CHUNKS + b"2\r\n{}\r\n0\r\n", b"X-%d: " + b"y" * 60_000 + b"\r\n"),
    )
    await _all(_flood(target, *each) for each in floods)


async def _flood(target: Target, beginning: bytes, more: bytes) -> None:
    async with connected(target) as wire:
        taken = await wire.send(beginning)
        sent = 0
        for number in itertools.count():
            if not taken or sent > FLOOD:
                break
            some = b"".join(more % each for each in range(number * 100, number * 100 + 100))
            taken = await wire.send(some)
            sent += len(some)
        assert_refused(await wire.rest())


async def leaving(target: Target) -> None:
    """Asks for something and leaves, again and again, without waiting for an answer."""
    for _ in range(LEAVERS // AT_ONCE):
        await _all(_leave(target) for _ in range(AT_ONCE))


async def _leave(target: Target) -> None:
    async with connected(target) as wire:
        await wire.send(request("GET", "/api/books/"))


async def asking_on(target: Target) -> None:
    """Asks for the next thing as soon as there is an answer, on many connections at once."""
    await _all(_ask_on(target, BOOKS) for _ in range(ASKERS))


async def asking_on_behind_a_proxy(target: Target) -> None:
    """The same through a trusted proxy, which has any number of connections."""
    await _all(_ask_on(target, BOOKS, address=PROXY) for _ in range(ASKERS))


async def preflights(target: Target) -> None:
    """Asks whether it may ask, as browsers do, and never asks."""
    lines = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    ask = request("OPTIONS", "/api/reviews/", lines)
    await _all(_ask_on(target, ask) for _ in range(ASKERS))


async def _ask_on(target: Target, ask: bytes, *, address: str = ELSEWHERE) -> None:
    async with connected(target, address=address) as wire:
        for _ in range(ASKS):
            await wire.send(ask)
            received = await wire.piece()
            if not received:  # the address may open no connections at present
                return
            assert set(statuses(received)) <= {200, 429}


async def pipelining(target: Target) -> None:
    """Sends many requests at once, streams among them, and takes the answers or does not."""
    refused = request("POST", "/api/reviews/", {**JSON, "Content-Length": "2"}) + b"{}"
    stream = request("GET", f"/sse/books/{target.book}/")
    pages = request("GET", "/api/books/")
    behind = [pages, stream, refused, b"nonsense\r\n\r\n"]
    await _all(_pipeline(target, refused * 50 + stream + each) for each in _some(*behind))
    await _all(_pipeline(target, stream + each) for each in _some(*behind))
    await _all(_take_nothing(target, pages * 50) for _ in range(10))


async def _pipeline(target: Target, requests: bytes) -> None:
    async with connected(target) as wire:
        await wire.send(requests)
        received = await wire.rest()
        first = statuses(received)[:50]
        assert set(first) <= {401, 200}, first
        assert first.count(200) <= 1


async def _take_nothing(target: Target, requests: bytes) -> None:
    async with connected(target) as wire:
        while await _takes_more(wire, requests):
            pass


async def _takes_more(wire: Wire, requests: bytes) -> bool:
    try:
        async with asyncio.timeout(PACE_SECONDS):
            return await wire.send(requests)
    except TimeoutError:  # neither of the two reads any more
        return False


def _some(*kinds: T) -> Iterator[T]:
    return itertools.islice(itertools.cycle(kinds), AT_ONCE)


async def _all(attempts: Iterable[Coroutine[None, None, None]]) -> None:
    await asyncio.gather(*attempts)
