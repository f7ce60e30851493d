"""Frames, byte by byte, and as a browser reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

import pytest
from hypothesis import given, strategies as st

from livria_sse import frames
from livria_sse.documents import review_document
from livria_sse.frames import Mode, difference_frames
from livria_sse.models import Change, Difference, Position, Review
from tests.factories import THEN, make_difference, make_review, make_tombstone, make_user
from tests.sse import Event, EventReader
from tests.test_models import between, histories_with_seqs, shown_at

EPOCH = "k7q2m"


def read(stream: bytes) -> list[Event]:
    """The events in a stream."""
    return list(EventReader().feed(stream))


def test_created_frame() -> None:
    """A review that is created is, byte by byte, what the design shows."""
    review = make_review(
        id=31, book_id=10, user=make_user(id=3, username="mina"), content="좋아요", created_seq=42
    )
    difference = Difference(book_id=10, after=41, head=42, review_count=7, changes=(review,))

    assert difference_frames(difference, EPOCH).decode() == (
        "event: review.created\n"
        'data: {"type":"review.created","book":10,"position":"k7q2m-42","review_count":7,'
        '"review":{"id":31,"book":10,"user":{"id":3,"username":"mina"},"content":"좋아요",'
        '"created_at":"2026-11-22T10:00:00.000Z","updated_at":"2026-11-22T10:00:00.000Z"}}\n'
        "id: k7q2m-42\n"
        "\n"
    )


def test_updated_frame() -> None:
    """A review that is edited carries its whole present state."""
    edited = THEN.replace(minute=5, microsecond=678_900)
    review = make_review(created_seq=42, seq=43, content="new", updated_at=edited)
    difference = Difference(book_id=10, after=42, head=43, review_count=7, changes=(review,))

    assert difference_frames(difference, EPOCH).decode() == (
        "event: review.updated\n"
        'data: {"type":"review.updated","book":10,"position":"k7q2m-43","review_count":7,'
        '"review":{"id":31,"book":10,"user":{"id":3,"username":"mina"},"content":"new",'
        '"created_at":"2026-11-22T10:00:00.000Z","updated_at":"2026-11-22T10:05:00.678Z"}}\n'
        "id: k7q2m-43\n"
        "\n"
    )


def test_deleted_frame() -> None:
    """A review that is deleted is told by its id alone."""
    tombstone = make_tombstone(id=12, created_seq=3, seq=43)
    difference = Difference(book_id=10, after=42, head=43, review_count=6, changes=(tombstone,))

    assert difference_frames(difference, EPOCH).decode() == (
        "event: review.deleted\n"
        'data: {"type":"review.deleted","book":10,"position":"k7q2m-43","review_count":6,'
        '"review_id":12}\n'
        "id: k7q2m-43\n"
        "\n"
    )


def test_heartbeat_frame() -> None:
    """A heartbeat is an event without an id."""
    assert frames.heartbeat(15) == (
        b'event: stream.heartbeat\ndata: {"type":"stream.heartbeat","interval":15}\n\n'
    )


def test_frames_have_ids() -> None:
    """Each frame moves the reader to its change: who is cut off goes on from there."""
    difference = make_difference(
        make_review(id=31, created_seq=41),
        make_review(id=32, created_seq=12, seq=42),
        make_tombstone(id=33, created_seq=13, seq=44),
        after=40,
    )

    events = read(difference_frames(difference, EPOCH))

    assert [(event.type, event.last_event_id) for event in events] == [
        ("review.created", "k7q2m-41"),
        ("review.updated", "k7q2m-42"),
        ("review.deleted", "k7q2m-44"),
    ]
    assert [event.json["position"] for event in events] == ["k7q2m-41", "k7q2m-42", "k7q2m-44"]


@given(histories_with_seqs(2), st.integers(0, 2_000))
def test_cut_readers_catch_up(given: tuple[list[Change], list[int]], byte: int) -> None:
    """Who is cut off anywhere, and resumes at any time later, ends with what is there."""
    history, (start, now) = given
    stream = difference_frames(between(history, start, now), EPOCH)
    between_frames = [end.end() for end in re.finditer(b"\n\n", stream)]

    for cut in (byte, *between_frames):
        reader = EventReader(f"{EPOCH}-{start}")
        arrived = list(reader.feed(stream[:cut]))
        resumed = Position.parse(reader.last_event_id)
        assert resumed
        assert start <= resumed.seq <= now
        for then in range(now, len(history) + 1):
            shown = shown_at(history, start)
            apply(shown, arrived)
            rest = between(history, resumed.seq, then)
            apply(shown, read(difference_frames(rest, EPOCH)))
            assert shown == shown_at(history, then)


def apply(shown: dict[int, str], events: Iterable[Event]) -> None:
    """Does with events what a page does with them."""
    for event in events:
        if event.type == "review.deleted":
            shown.pop(event.json["review_id"], None)
        else:
            shown[event.json["review"]["id"]] = event.json["review"]["content"]


def test_last_id_is_the_head() -> None:
    """What came and went at the end of a difference is behind the reader too, by a lone id."""
    difference = make_difference(
        make_review(id=31, created_seq=41),
        make_tombstone(id=32, created_seq=42, seq=43),
        after=40,
    )
    reader = EventReader()

    stream = difference_frames(difference, EPOCH)
    (created,) = reader.feed(stream)

    assert created.last_event_id == "k7q2m-41"
    assert reader.last_event_id == "k7q2m-43"
    assert stream.endswith(b"}}\nid: k7q2m-41\n\nid: k7q2m-43\n\n")


@pytest.mark.parametrize(
    "changes", [(), (make_tombstone(created_seq=41, seq=42),)], ids=["empty", "passing"]
)
def test_nothing_to_tell(changes: tuple[Change, ...]) -> None:
    """A difference with nothing to tell is a lone id: no event, but the position moves."""
    difference = make_difference(*changes, after=40, head=42)
    reader = EventReader()

    stream = difference_frames(difference, EPOCH)

    assert stream == b"id: k7q2m-42\n\n"
    assert not list(reader.feed(stream))
    assert reader.last_event_id == "k7q2m-42"


def test_count_is_the_heads() -> None:
    """Each frame carries the number of reviews at the head, so that the last one seen is right."""
    difference = Difference(
        book_id=10,
        after=40,
        head=43,
        review_count=7,
        changes=(
            make_review(id=31, created_seq=41),
            make_review(id=32, created_seq=42),
            make_tombstone(id=33, created_seq=13, seq=43),
        ),
    )

    events = read(difference_frames(difference, EPOCH))

    assert [event.json["review_count"] for event in events] == [7, 7, 7]


@pytest.mark.parametrize(
    "text",
    [
        "x\r\nevent: admin\r\ndata: y",
        "x\n\nevent: admin\ndata: y\n\n",
        "x\rdata: y\r\r",
        "\u2028data: y\u2029\u2029event: admin",
        "x\x85data: y\x0b\x0c\x1c\x1d\x1e",
        'data: {"type":"review.deleted"}',
        "\0id: k7q2m-99",
        '"}\n\nid: k7q2m-99\n\n',
        "<script>alert(1)</script>",
        "\ufeffid: 1",
    ],
)
def test_text_is_only_data(text: str) -> None:
    """Whatever a user wrote, in a review or as a name, arrives as that text and nothing else."""
    review = make_review(content=text, user=make_user(username=text))

    stream = difference_frames(make_difference(review), EPOCH)

    (event,) = read(stream)
    assert event.type == "review.created"
    assert event.last_event_id == "k7q2m-1"
    assert event.json["review"]["content"] == text
    assert event.json["review"]["user"]["username"] == text
    assert stream.count(b"\n") == 4
    assert b"\r" not in stream


CHANGES = st.lists(
    st.tuples(
        st.integers(1, 60),
        st.text(st.characters(codec="utf-8"), min_size=1),
        st.booleans(),
    ),
    max_size=8,
).map(
    lambda given: tuple(
        make_review(id=seq, created_seq=created, seq=seq, content=text)
        if stays
        else make_tombstone(id=seq, created_seq=created, seq=seq)
        for seq, (created, text, stays) in enumerate(given, start=60)
    )
)


@given(CHANGES, st.integers(0, 59), st.integers(0, 5))
def test_frames_round_trip(changes: tuple[Change, ...], after: int, beyond: int) -> None:
    """A browser reads from the frames what the difference tells, all of it and nothing else."""
    head = max([after, *(change.seq for change in changes)]) + beyond
    difference = make_difference(*changes, after=after, head=head)
    reader = EventReader(f"{EPOCH}-{after}")

    events = list(reader.feed(difference_frames(difference, EPOCH)))

    assert reader.last_event_id == f"{EPOCH}-{head}"
    assert [(event.type, read_change(event)) for event in events] == [
        (kind, review_document(change) if isinstance(change, Review) else change.id)
        for kind, change in difference.told()
    ]
    for event in events:
        assert event.type == event.json["type"]
        assert event.last_event_id == event.json["position"]
    ids = [Position.parse(event.last_event_id) for event in events]
    seqs = [position.seq for position in ids if position]
    assert len(seqs) == len(ids)
    assert seqs == sorted(seqs)


def read_change(event: Event) -> object:
    """The review, or the id of the one that is gone."""
    return event.json["review"] if "review" in event.json else event.json["review_id"]


@pytest.mark.parametrize(("mode", "seq"), [("live", 42), ("resumed", 40), ("resumed", 0)])
def test_opening_at_a_position(mode: Mode, seq: int) -> None:
    """A stream begins with a line for people, when to come back, and where the reader stands."""
    opening = frames.opening(
        10, mode=mode, position=Position(EPOCH, seq), head=Position(EPOCH, 42), review_count=7
    ).decode()

    retry = re.search(r"^retry: (\d+)$", opening, re.MULTILINE)
    assert retry
    assert opening == (
        f": livria-sse book=10 from=k7q2m-{seq} head=k7q2m-42 mode={mode}\n"
        f"retry: {retry[1]}\n"
        "event: stream.ready\n"
        f'data: {{"type":"stream.ready","book":10,"mode":"{mode}",'
        f'"position":"k7q2m-{seq}","head":"k7q2m-42","review_count":7}}\n'
        f"id: k7q2m-{seq}\n"
        "\n"
    )


def test_opening_before_a_reset() -> None:
    """Before a reset no id is given: who is cut off in between asks the same again."""
    head = Position(EPOCH, 42)
    reader = EventReader("zzzzz-7")

    opening = frames.opening(10, mode="reset", position=None, head=head, review_count=7)
    (ready,) = reader.feed(opening)

    assert opening.startswith(b": livria-sse book=10 from=- head=k7q2m-42 mode=reset\nretry: ")
    assert b"\nid:" not in opening
    assert reader.last_event_id == "zzzzz-7"
    assert ready.json == {
        "type": "stream.ready",
        "book": 10,
        "mode": "reset",
        "position": "k7q2m-42",
        "head": "k7q2m-42",
        "review_count": 7,
    }


def test_reset_moves_to_the_head() -> None:
    """A reset says why, and its id is the head, from which the reader goes on."""
    reset = frames.reset(10, reason="too_large", head=Position(EPOCH, 42))

    assert reset.decode() == (
        "event: stream.reset\n"
        'data: {"type":"stream.reset","book":10,"reason":"too_large","position":"k7q2m-42"}\n'
        "id: k7q2m-42\n"
        "\n"
    )


def test_reconnection_is_spread() -> None:
    """Readers are asked to come back after 2 s, some sooner and some later."""
    head = Position(EPOCH, 42)
    retries = set()
    for _ in range(100):
        reader = EventReader()
        list(reader.feed(frames.opening(10, mode="live", position=head, head=head, review_count=7)))
        retries.add(reader.retry)

    assert len(retries) > 1
    assert all(retry is not None and 1_500 <= retry <= 2_500 for retry in retries)


@pytest.mark.parametrize(
    ("farewell", "type_", "shortest", "longest"),
    [
        (frames.closing, "stream.closing", 1_500, 2_500),
        (partial(frames.already_closing, 200), "stream.closing", 100, 350),
        (frames.busy, "stream.busy", 10_000, 30_000),
    ],
    ids=["closing", "already closing", "busy"],
)
def test_farewells_ask_back(
    farewell: Callable[[], bytes], type_: str, shortest: int, longest: int
) -> None:
    """A farewell has no id, and asks readers to come back after a while that differs."""
    retries = set()
    for _ in range(100):
        reader = EventReader("k7q2m-40")
        (event,) = reader.feed(farewell())
        assert event == Event(type_, f'{{"type":"{type_}"}}', "k7q2m-40")
        retries.add(reader.retry)

    assert len(retries) > 1
    assert all(retry is not None and shortest <= retry <= longest for retry in retries)
