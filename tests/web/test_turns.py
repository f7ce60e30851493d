"""Whose request begins next, when many come at once from one address."""

from __future__ import annotations

import asyncio

import pytest
from limits import parse
from starlette.types import Message, Scope

from livria_sse.errors import MalformedBody, TooManyRequests
from livria_sse.inputs import Credentials
from livria_sse.settings import Settings
from livria_sse.web.body import read_json
from livria_sse.web.clients import Proxies
from livria_sse.web.pace import Pace
from livria_sse.web.state import Request
from livria_sse.web.turns import Turns
from livria_sse.web.wariness import Wariness
from tests.waiting import until


@pytest.fixture
def turns() -> Turns:
    """Turns of addresses that all keep the pace."""
    settings = Settings(requests_per_address=parse("1000000/second"))
    return Turns(Pace(settings, Proxies(settings.trusted_proxies), Wariness(settings)))


def asked_by(address: str) -> Scope:
    """A request of an address."""
    return {"client": (address, 0), "path": "/api/books/", "headers": ()}


def with_body(address: str, body: bytes, turns: Turns) -> Request:
    """A request of an address that has come as a whole."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", b"application/json")]
    state = {"turns": turns, "largest_body": 1024}
    scope = {"type": "http", **asked_by(address), "headers": headers, "state": state}
    return Request(scope, receive)


async def test_many_of_one_address_take_turns(turns: Turns) -> None:
    """One of each address begins in a round of the event loop, in order, and all of them do."""
    rounds: list[list[tuple[str, int]]] = [[]]

    async def ask(address: str, number: int) -> None:
        await turns.begin(asked_by(address))
        rounds[-1].append((address, number))

    async def count_rounds() -> None:
        while sum(map(len, rounds)) < 5:
            await asyncio.sleep(0)
            rounds.append([])

    greedy, modest = "192.0.2.1", "192.0.2.2"
    asked = [(greedy, 1), (greedy, 2), (greedy, 3), (greedy, 4), (modest, 1)]
    await asyncio.gather(*(ask(*each) for each in asked), count_rounds())

    begun = [each for each in rounds if each]
    assert begun == [[(greedy, 1), (modest, 1)], [(greedy, 2)], [(greedy, 3)], [(greedy, 4)]]


async def test_bodies_are_decoded_in_turn(turns: Turns) -> None:
    """Of many bodies that are complete at once, one of each address is decoded in a round."""
    decoded: list[int] = []
    rounds = 0

    async def count_rounds() -> None:
        nonlocal rounds
        while len(decoded) < 3:
            await asyncio.sleep(0)
            rounds += 1

    async def send_body() -> None:
        with pytest.raises(MalformedBody):
            await read_json(with_body("192.0.2.1", b"[]", turns), Credentials)
        decoded.append(rounds)

    await asyncio.gather(*(send_body() for _ in range(3)), count_rounds())

    assert decoded == [0, 1, 2]


async def test_who_asks_alone_does_not_wait(turns: Turns) -> None:
    """A request to which there is no other begins at once, whatever was asked for before."""
    for _ in range(3):
        asking = turns.begin(asked_by("192.0.2.1"))
        try:
            asking.send(None)
        except StopIteration:
            pass
        else:
            raise AssertionError("it waits")
        await asyncio.sleep(0)


async def test_who_leaves_gives_the_turn_away(turns: Turns) -> None:
    """A request that is given up while it waits keeps nobody behind it from beginning."""
    asking = [asyncio.create_task(turns.begin(asked_by("192.0.2.1"))) for _ in range(3)]
    await asyncio.sleep(0)
    _first, given_up, patient = asking
    given_up.cancel()

    async with asyncio.timeout(10):
        await patient
    assert given_up.cancelled()
    assert not patient.cancelled()


async def test_one_of_an_address_is_alone(turns: Turns) -> None:
    """One request of each address is in there at a time, and when none is, nothing is kept."""
    inside: list[str] = []
    most = 0

    async def stay(address: str) -> None:
        nonlocal most
        async with turns.alone(asked_by(address)):
            inside.append(address)
            most = max(most, len(inside))
            assert len(set(inside)) == len(inside)
            await asyncio.sleep(0)
            inside.remove(address)

    await asyncio.gather(*(stay(f"192.0.2.{number % 3}") for number in range(12)))

    assert most == 3
    assert not turns._held


async def test_nothing_is_kept_of_who_asked(turns: Turns) -> None:
    """When all have begun, nobody is remembered."""
    await asyncio.gather(*(turns.begin(asked_by(f"192.0.2.{number % 10}")) for number in range(50)))

    await until(lambda: not turns._waiting)


async def test_nobody_waits_for_long_to_be_alone(
    turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who would wait for too long is refused, and what they waited for is not held by them."""
    monkeypatch.setattr("livria_sse.web.turns.LONGEST_SECONDS_ALONE", 0.01)
    async with turns.alone(asked_by("192.0.2.1")):
        with pytest.raises(TooManyRequests) as refusal:
            async with turns.alone(asked_by("192.0.2.1")):
                raise AssertionError("two are in there")
        async with turns.alone(asked_by("192.0.2.2")):
            pass
    async with turns.alone(asked_by("192.0.2.1")):
        pass

    assert refusal.value.retry_seconds == 1
