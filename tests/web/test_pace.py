"""How fast the requests of one address begin."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import pytest
from starlette.types import Message, Scope

from livria_sse.errors import TooManyRequests
from livria_sse.settings import Settings
from livria_sse.web.clients import Proxies
from livria_sse.web.pace import (
    BURST_OF_FILES,
    BYTES_OF_A_REQUEST,
    BYTES_OF_AN_ANSWER,
    LONGEST_SECONDS_OF_FILES,
    MOST_LATE,
    REQUESTS_OF_UNKNOWN_SIZE,
    Pace,
)
from livria_sse.web.rests import BURST, MANY, Rests
from livria_sse.web.wariness import Wariness
from tests.web.service import serving

#: As slow as it takes to see what becomes of a request, however busy the machine is.
SLOW = "1/hour"
#: At which not a second goes by before the fiftieth may begin.
QUICK = 1000


def asked_by(host: str | None, path: str = "/api/books/", *headers: tuple[bytes, bytes]) -> Scope:
    """A request of an address."""
    return {"client": host and (host, 0), "path": path, "headers": headers}


STRANGER, PROXY = asked_by("192.0.2.1"), asked_by("127.0.0.1")


def paced(rate: str, *, limits: bool = True) -> Pace:
    """A pace of so many requests in so long."""
    settings = Settings(requests_per_address=rate, limits=limits)
    return Pace(settings, Proxies(settings.trusted_proxies), Wariness(settings))


async def outcome(pace: Pace, scope: Scope) -> Literal["begins", "waits", "refused"]:
    """What becomes of a request at first."""
    refused = pace.hasty["refused"]
    asking = asyncio.create_task(pace.keep(scope))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if asking.done():
        await asking
        return "begins"
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return "waits" if pace.hasty["refused"] == refused else "refused"


async def test_a_page_does_not_wait_and_a_loop_does() -> None:
    """As many requests as a page needs begin at once; those that go on coming do not."""
    pace = paced(SLOW)
    assert [await outcome(pace, STRANGER) for _ in range(BURST + 1)] == ["begins"] * (BURST + 1)
    assert await outcome(pace, STRANGER) == "refused"
    assert pace.hasty == {"delayed": 0, "refused": 1}


async def test_all_that_wait_begin_at_the_pace() -> None:
    """Requests that can begin within a second wait for that, and each of them does."""
    pace = paced(f"{QUICK}/second")
    async with asyncio.timeout(30):
        await asyncio.gather(*(pace.keep(STRANGER) for _ in range(4 * BURST)))
    assert 0 < pace.hasty["delayed"] < 4 * BURST
    assert pace.hasty["refused"] == 0


async def test_no_more_wait_than_can_begin() -> None:
    """Of however many requests, no more wait than can begin in a second; all others are refused."""
    pace = paced(f"{QUICK}/second")
    async with asyncio.timeout(60):
        asked = (pace.keep(STRANGER) for _ in range(10 * QUICK))
        results = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in results if isinstance(each, TooManyRequests)]
    assert len(refused) > 5 * QUICK
    assert {each.retry_seconds for each in refused} == {1}
    async with asyncio.timeout(30):
        await pace.keep(STRANGER)  # what was refused is not held against anybody


async def test_who_was_refused_connects_no_faster_than_the_pace() -> None:
    """Who was refused may open connections at the pace; who was not, as fast as they like."""
    settings, address = Settings(requests_per_address=SLOW), "192.0.2.1"
    wariness = Wariness(settings)
    pace = Pace(settings, Proxies(settings.trusted_proxies), wariness)
    for _ in range(BURST + 1):
        await outcome(pace, STRANGER)
        assert wariness.lets(address)
    assert await outcome(pace, STRANGER) == "refused"
    let_in = [wariness.lets(address) for _ in range(BURST + 3)]
    assert let_in == [True] * (BURST + 1) + [False] * 2
    assert wariness.lets("192.0.2.2")


async def test_who_is_refused_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """An operator reads whose requests are refused: it may be a proxy that they forgot to name."""
    pace = paced(SLOW)
    for _ in range(BURST + 5):
        await outcome(pace, STRANGER)
    assert caplog.messages == ["crowded: requests of 192.0.2.1 come faster than the pace"]


async def test_the_pace_of_one_is_not_that_of_another() -> None:
    """Who keeps the pace does not wait for those who do not."""
    pace = paced(SLOW)
    for _ in range(BURST + 2):
        await outcome(pace, STRANGER)
    assert await outcome(pace, asked_by("192.0.2.2")) == "begins"


async def test_networks_of_one_customer_have_one_pace() -> None:
    """Nobody has more by taking another of their own addresses of IPv6."""
    pace = paced(SLOW)
    asked = [asked_by(f"2001:db8::{number:x}") for number in range(BURST + 2)]
    assert [await outcome(pace, scope) for scope in asked][-1] == "refused"


@pytest.mark.parametrize(
    ("header", "begin"),
    [
        ((b"content-length", b"%d" % (BYTES_OF_A_REQUEST - 1)), BURST + 1),
        ((b"content-length", b"%d" % (9 * BYTES_OF_A_REQUEST)), BURST // 10 + 1),
        ((b"content-length", b"0" * 20 + b"65536"), BURST // (1 + REQUESTS_OF_UNKNOWN_SIZE) + 1),
        ((b"content-length", b"9" * 5000), BURST // (1 + REQUESTS_OF_UNKNOWN_SIZE) + 1),
        ((b"transfer-encoding", b"chunked"), BURST // (1 + REQUESTS_OF_UNKNOWN_SIZE) + 1),
        ((b"content-length", b"-1"), BURST + 1),
    ],
    ids=["small", "large", "after zeros", "endless", "of unknown size", "nonsense"],
)
async def test_large_bodies_count_as_many_requests(header: tuple[bytes, bytes], begin: int) -> None:
    """Large bodies, which take long to decode, use up what an address may; small ones do not."""
    pace, post = paced(SLOW), asked_by("192.0.2.1", "/api/reviews/", header)
    outcomes = [await outcome(pace, post) for _ in range(begin + 1)]
    assert outcomes == ["begins"] * begin + ["refused"]


@pytest.mark.parametrize(
    ("name", "kib", "begin"),
    [("transfer-encoding", 64, 3), ("transfer-encoding", 256, 1), ("content-length", 128, 51)],
)
async def test_bodies_of_unknown_size_count_when_they_are_read(
    name: str, kib: int, begin: int
) -> None:
    """A large body of which nobody knew how large it would be counts when it has come."""
    pace, post = paced(SLOW), asked_by("192.0.2.1", "/api/reviews/", (name.encode(), b""))
    pace.count_body(post, kib * 1024)
    outcomes = [await outcome(pace, post) for _ in range(begin + 1)]
    assert outcomes == ["begins"] * begin + ["refused"]


async def test_large_answers_count_as_many_requests() -> None:
    """Large answers, which take long to read and to encode, use up what an address may."""
    pace, sent = paced(SLOW), []

    async def send(message: Message) -> None:
        sent.append(message)

    await pace.keep(STRANGER)
    for size in (BYTES_OF_AN_ANSWER - 1, (BURST - 1) * BYTES_OF_AN_ANSWER):
        message = {"type": "http.response.body", "body": b"x" * size, "more_body": True}
        await pace.counting(STRANGER, send)(message)
        assert sent.pop() is message
    assert [await outcome(pace, STRANGER) for _ in range(2)] == ["begins", "refused"]


async def test_files_have_a_pace_of_their_own() -> None:
    """A page breaks without one of its files: more come at once, and the others wait for longer."""
    pace, file = paced("10/second"), asked_by("192.0.2.1", "/static/book.js")
    outcomes = [await outcome(pace, file) for _ in range(BURST_OF_FILES + 2)]
    assert outcomes == ["begins"] * (BURST_OF_FILES + 1) + ["waits"]
    assert await outcome(pace, STRANGER) == "begins"
    waiting = 10 * round(LONGEST_SECONDS_OF_FILES)
    outcomes = [await outcome(pace, file) for _ in range(waiting + 1)]
    assert outcomes[-1] == "refused"


async def test_refusals_come_late() -> None:
    """Who is refused learns of it after a second; of very many, the others learn of it at once."""
    pace = paced(SLOW)
    for _ in range(BURST + 1):
        await pace.keep(STRANGER)
    asking = [asyncio.create_task(pace.keep(STRANGER)) for _ in range(MOST_LATE + 3)]
    done, waiting = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(waiting)) == (3, MOST_LATE)
    late, _ = await asyncio.wait(waiting, timeout=30)
    errors = {type(each.exception()) for each in done | late}
    assert (len(late), errors) == (MOST_LATE, {TooManyRequests})


@pytest.mark.parametrize(
    ("pace", "scope"),
    [
        pytest.param(paced(SLOW), PROXY, id="a trusted proxy"),
        pytest.param(paced(SLOW), asked_by("::1"), id="a trusted proxy on IPv6"),
        pytest.param(paced(SLOW), asked_by(None), id="a proxy behind a Unix socket"),
        pytest.param(paced(SLOW, limits=False), STRANGER, id="without limits"),
    ],
)
async def test_nobody_waits_where_there_is_no_pace(pace: Pace, scope: Scope) -> None:
    """Proxies ask for all of their clients; and somebody may want no limits."""
    assert {await outcome(pace, scope) for _ in range(2 * BURST)} == {"begins"}
    assert pace.hasty.total() == 0


async def test_health_has_a_pace_of_its_own() -> None:
    """Who asks for too much else may ask whether it lives and serves, but not in a loop."""
    pace = paced(SLOW)
    health = [asked_by("192.0.2.1", path) for path in ("/healthz", "/readyz")]
    for _ in range(BURST + 2):
        await outcome(pace, STRANGER)
    asked = [await outcome(pace, health[number % 2]) for number in range(BURST + 2)]
    assert asked == ["begins"] * (BURST + 1) + ["refused"]


async def test_who_has_rested_is_forgotten() -> None:
    """Addresses are remembered only as long as it matters."""
    rests = Rests(1e-6)
    for number in range(10 * MANY):
        rests.add(f"10.0.{number // 250}.{number % 250}", 1)
    assert len(rests) <= 2 * MANY


async def test_refusals_are_told_as_each_client_understands(tmp_path: Path) -> None:
    """A program is told 429, also across origins; a stream has no place, and comes back."""
    origin = "https://livria.kr"
    async with (
        serving(tmp_path, requests_per_address=SLOW, allowed_origins=origin) as service,
        service.client(**{"X-Forwarded-For": "192.0.2.1", "Origin": origin}) as client,
    ):
        for _ in range(BURST + 1):
            assert (await client.get("/api/books/")).status_code == 200
        refused = await client.get("/api/books/")
        stream = await client.get("/sse/books/1/")
        asking_first = {"Access-Control-Request-Method": "POST"}
        preflight = await client.options("/api/reviews/", headers=asking_first)
        assert (await client.get("/healthz")).status_code == 200

    assert refused.status_code == 429
    assert 3000 < int(refused.headers["retry-after"]) < 3600
    assert refused.headers["access-control-allow-origin"] == origin
    assert "Retry-After" in refused.headers["access-control-expose-headers"]
    assert preflight.status_code == 429
    assert stream.status_code == 200
    assert "event: stream.busy" in stream.text
    assert stream.headers["access-control-allow-origin"] == origin


async def test_answers_of_the_service_count(tmp_path: Path) -> None:
    """Who asks for large answers may ask for fewer."""
    async with (
        serving(tmp_path, requests_per_address=SLOW) as service,
        service.client(**{"X-Forwarded-For": "192.0.2.1"}) as client,
    ):
        size = len((await client.get("/openapi.json")).content)
        answered = 1
        while (await client.get("/openapi.json")).status_code == 200:
            answered += 1

    each = 1 + size // BYTES_OF_AN_ANSWER
    assert each > 1
    assert answered == BURST // each + 1
