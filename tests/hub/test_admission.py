"""The limits on streams."""

from __future__ import annotations

import pytest
from tests.hub.readers import stream
from tests.waiting import until

from livria_sse.hub.admission import Admission
from livria_sse.hub.feed import Feed
from livria_sse.settings import Settings

ONE, OTHER = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def feed() -> Feed:
    """A book that nobody watches."""
    return Feed(10, "k7q2m")


async def test_streams_of_an_address(feed: Feed) -> None:
    """An address has so many streams at most, until one of them ends; others have their own."""
    admission = Admission(Settings(max_streams_per_address=2))
    for _ in range(2):
        assert admission.admits([feed], ONE)
        admission.begin(stream(ONE))

    assert not admission.admits([feed], ONE)
    assert admission.admits([feed], OTHER)
    assert +admission.refused == {"address": 1}
    admission.end(stream(ONE), "left")
    assert admission.admits([feed], ONE)


async def test_streams_of_all(feed: Feed) -> None:
    """A process has so many streams at most."""
    admission = Admission(Settings(max_streams=1))
    admission.begin(stream(ONE))

    assert not admission.admits([feed], OTHER)
    assert +admission.refused == {"streams": 1}


async def test_streams_of_a_book(feed: Feed) -> None:
    """A book has so many streams at most; those of others can be opened."""
    admission = Admission(Settings(max_streams_per_book=1))
    feed.cursors |= set(stream(OTHER).cursors)

    assert not admission.admits([feed], ONE)
    assert admission.admits([Feed(11, "k7q2m")], ONE)
    assert +admission.refused == {"book": 1}


async def test_connects_of_an_address(feed: Feed) -> None:
    """Who connects more often in a second is sent away, others are not."""
    admission = Admission(Settings(max_connects_per_address=3))

    assert [admission.admits([feed], ONE) for _ in range(5)] == [True, True, True, False, False]
    assert admission.admits([feed], OTHER)
    assert +admission.refused == {"connects": 2}


async def test_connects_are_counted_anew(feed: Feed) -> None:
    """Who was sent away for that is let in when the second is over."""
    admission = Admission(Settings(max_connects_per_address=1))
    assert admission.admits([feed], ONE)
    assert not admission.admits([feed], ONE)

    await until(lambda: admission.admits([feed], ONE))


async def test_places_are_taken_meanwhile(feed: Feed) -> None:
    """Who was admitted may still find no room when the stream is ready; that is no new connect."""
    admission = Admission(Settings(max_streams=1, max_connects_per_address=1))
    assert admission.admits([feed], ONE)
    assert admission.has_room([feed], ONE)
    admission.begin(stream(OTHER))

    assert not admission.has_room([feed], ONE)


async def test_nothing_is_kept_of_who_left(feed: Feed) -> None:
    """Addresses are forgotten with their last stream."""
    admission = Admission(Settings())
    for number in range(100):
        address = f"192.0.2.{number}"
        admission.admits([feed], address)
        admission.begin(stream(address))
        admission.end(stream(address), "left")

    assert not admission._of_address


async def test_without_limits(feed: Feed) -> None:
    """With `LIVRIA_LIMITS=off` everybody is admitted."""
    settings = Settings(limits=False, max_streams=1, max_connects_per_address=1)
    admission = Admission(settings)

    for _ in range(3):
        assert admission.admits([feed], ONE)
        admission.begin(stream(ONE))
