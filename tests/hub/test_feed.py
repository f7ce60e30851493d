"""Feeds: what a process knows of a book."""

from __future__ import annotations

import pytest
from tests.factories import make_difference, make_review, make_tombstone

from livria_sse.hub import feed as feeds
from livria_sse.hub.feed import CURSORS, SIZE, Feed
from livria_sse.models import Difference


def make_feed(head: int = 0) -> Feed:
    """A feed that was opened at a head."""
    feed = Feed(10, "k7q2m")
    feed.learn(make_difference(after=head))
    return feed


def created(seq: int, review_id: int | None = None) -> Difference:
    """The difference of one review that is created with a seq."""
    review = make_review(id=review_id or seq, created_seq=seq, content=f"text {seq}.")
    return make_difference(review, after=seq - 1)


def text_of(feed: Feed, seq: int) -> str:
    """What a reader at `seq` is sent."""
    burst = feed.burst_since(seq)
    assert burst is not None
    return b"".join(message["body"] for message in burst.messages).decode()


def test_new_feeds_know_nothing() -> None:
    """A feed that has not read where its book stands is behind, and serves nobody."""
    feed = Feed(10, "k7q2m")

    assert feed.behind
    assert feed.burst_since(0) is None


def test_frames_are_made_once() -> None:
    """All who stand at the same seq get the very same burst."""
    feed = make_feed()
    feed.learn(created(1))

    assert feed.burst_since(0) is feed.burst_since(0)


def test_replaced_text_is_gone() -> None:
    """A text that was edited away or deleted is sent to nobody any more."""
    feed = make_feed()
    feed.learn(created(1))
    feed.learn(created(2))
    feed.learn(make_difference(make_review(id=1, created_seq=1, seq=3, content="new."), after=2))
    feed.learn(make_difference(make_tombstone(id=2, created_seq=2, seq=4), after=3))

    sent = text_of(feed, 0)

    assert "text 1." not in sent
    assert "text 2." not in sent
    assert "new." in sent
    assert text_of(feed, 4) == "id: k7q2m-4\n\n"


def test_feeds_are_bounded() -> None:
    """A feed keeps so many changes, and does not pretend to reach further back than they do."""
    feed = make_feed()
    for seq in range(1, SIZE + 11):
        feed.learn(created(seq))

    assert feed.burst_since(9) is None
    assert text_of(feed, 10).count("event: review.created") == SIZE


def test_ready_bursts_are_bounded() -> None:
    """However many cursors ask, only so many answers are kept."""
    feed = make_feed()
    for seq in range(1, CURSORS + 11):
        feed.learn(created(seq))
    for seq in range(CURSORS + 10):
        assert text_of(feed, seq).count("event:") == CURSORS + 10 - seq

    assert len(feed._ready) == CURSORS


def test_ready_bursts_are_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the answers are, only so many bytes are kept of them."""
    monkeypatch.setattr(feeds, "LARGEST_READY", 2_000)
    feed = make_feed()
    for seq in range(1, 21):
        feed.learn(created(seq))
    for seq in range(19, -1, -1):
        assert text_of(feed, seq).count("event:") == 20 - seq

    assert 1 < len(feed._ready) < 20
    assert sum(ready.size for ready in feed._ready.values()) <= 2_000


def test_known_differences_change_nothing() -> None:
    """A difference that comes again, whole or in part, is told only as far as it is new."""
    feed = make_feed()
    feed.learn(created(1))
    before = text_of(feed, 0)
    feed.learn(created(1))

    assert text_of(feed, 0) == before
    feed.learn(make_difference(*created(1).changes, *created(2).changes, after=0))
    assert feed.head == 2
    assert "text 1." not in text_of(feed, 1)


def test_deeper_differences_deepen() -> None:
    """What the ladder gave for one reader serves the next who stands there."""
    feed = make_feed(head=2)
    assert feed.burst_since(0) is None

    feed.learn(make_difference(*created(1).changes, *created(2).changes, after=0))

    assert text_of(feed, 0).count("event: review.created") == 2


def test_a_gap_starts_anew() -> None:
    """After a difference that leaves a gap the feed serves nobody from before it."""
    feed = make_feed()
    feed.learn(created(1))
    feed.learn(created(5))

    assert feed.head == 5
    assert feed.burst_since(1) is None
    assert "text 5." in text_of(feed, 4)


def test_older_differences_do_not_go_back() -> None:
    """A difference from before all that is kept leaves the head where it is."""
    feed = make_feed(head=9)
    feed.learn(created(3))

    assert feed.head == 9
    assert feed.burst_since(3) is None
