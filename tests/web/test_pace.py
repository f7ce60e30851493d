"""How fast the requests of one address begin."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Scope

from livria_sse.settings import Settings
from livria_sse.web.clients import Proxies
from livria_sse.web.pace import BURST, BYTES_OF_A_REQUEST, MANY, Pace

STRANGER: Scope = {"client": ("192.0.2.1", 0)}
PROXY: Scope = {"client": ("127.0.0.1", 0)}
#: As slow as it takes to see that somebody waits, however busy the machine is.
SLOW = "1/hour"


def paced(rate: str, *, limits: bool = True) -> Pace:
    """A pace of so many requests in so long."""
    settings = Settings(requests_per_address=rate, limits=limits)
    return Pace(settings, Proxies(settings.trusted_proxies))


async def waits(pace: Pace, scope: Scope, *, body: int | None = None) -> bool:
    """Whether a request has to wait."""
    asking = asyncio.create_task(pace.keep(scope, body=body))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    began = asking.done()
    asking.cancel()
    return not began


async def test_a_page_does_not_wait_and_a_loop_does() -> None:
    """As many requests as a page needs begin at once; those that go on coming wait."""
    pace = paced(SLOW)
    assert [await waits(pace, STRANGER) for _ in range(BURST + 2)] == [False] * (BURST + 1) + [True]
    assert pace.delayed == 1


async def test_who_waits_long_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """An operator reads whose requests wait, which may be a proxy that they forgot to name."""
    pace = paced(SLOW)
    for _ in range(BURST + 3):
        await waits(pace, STRANGER)
    assert caplog.messages == ["crowded: requests of 192.0.2.1 come faster than the pace"]


async def test_the_pace_of_one_is_not_that_of_another() -> None:
    """Who keeps the pace does not wait for those who do not."""
    pace = paced(SLOW)
    for _ in range(BURST + 2):
        await waits(pace, STRANGER)
    assert await waits(pace, STRANGER)
    assert not await waits(pace, {"client": ("192.0.2.2", 0)})


async def test_networks_of_one_customer_have_one_pace() -> None:
    """Nobody has more by taking another of their own addresses of IPv6."""
    pace = paced(SLOW)
    asked: list[Scope] = [{"client": (f"2001:db8::{number:x}", 0)} for number in range(BURST + 2)]
    assert [await waits(pace, scope) for scope in asked][-1]


async def test_all_that_wait_begin_at_the_pace() -> None:
    """Requests that wait begin one after the other, and each of them does."""
    pace = paced("1000/second")
    async with asyncio.timeout(30):
        await asyncio.gather(*(pace.keep(STRANGER) for _ in range(4 * BURST)))
    assert 0 < pace.delayed < 4 * BURST


async def test_large_bodies_count_as_many_requests() -> None:
    """Large bodies, which take long to decode, use up what an address may; small ones do not."""
    pace = paced(SLOW)
    assert [await waits(pace, STRANGER, body=BYTES_OF_A_REQUEST - 1) for _ in range(2 * BURST)] == (
        [False] * 2 * BURST
    )
    large = [await waits(pace, STRANGER, body=10 * BYTES_OF_A_REQUEST) for _ in range(7)]
    assert large == [False] * 6 + [True]


@pytest.mark.parametrize(
    ("pace", "scope"),
    [
        pytest.param(paced(SLOW), PROXY, id="a trusted proxy"),
        pytest.param(paced(SLOW), {"client": ("::1", 0)}, id="a trusted proxy on IPv6"),
        pytest.param(paced(SLOW), {"client": None}, id="a proxy behind a Unix socket"),
        pytest.param(paced(SLOW, limits=False), STRANGER, id="without limits"),
    ],
)
async def test_nobody_waits_where_there_is_no_pace(pace: Pace, scope: Scope) -> None:
    """Proxies, which ask for all of their clients, have no pace; nor has anybody without limits."""
    assert not any([await waits(pace, scope) for _ in range(2 * BURST)])
    assert pace.delayed == 0


async def test_who_has_rested_is_forgotten() -> None:
    """Addresses are remembered only as long as it matters."""
    pace = paced("1000000/second")
    for number in range(10 * MANY):
        await pace.keep({"client": (f"10.0.{number // 250}.{number % 250}", 0)})
    assert len(pace._rested_at) <= 2 * MANY
