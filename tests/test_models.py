"""Positions, and what changed between two of them."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, strategies as st

from livria_sse.models import (
    EPOCH_ALPHABET,
    LARGEST_NUMBER,
    Account,
    Change,
    Difference,
    Position,
    Review,
    Tombstone,
    new_epoch,
)
from tests.factories import make_difference, make_review, make_tombstone, make_user

History = list[Change]


class Step(NamedTuple):
    """Something that happens to a book; `pick` chooses one of the reviews that are there."""

    kind: str
    pick: int


def play(steps: list[Step]) -> History:
    """The changes that the steps make, one for each; where no review is there, one is created."""
    history: History = []
    present: list[Review] = []
    for seq, step in enumerate(steps, start=1):
        change: Change
        if step.kind == "create" or not present:
            change = make_review(id=100 + seq, created_seq=seq, content=f"text {seq}")
        else:
            old = present.pop(step.pick % len(present))
            if step.kind == "edit":
                change = make_review(
                    id=old.id, created_seq=old.created_seq, seq=seq, content=f"text {seq}"
                )
            else:
                change = make_tombstone(id=old.id, created_seq=old.created_seq, seq=seq)
        if isinstance(change, Review):
            present.append(change)
        history.append(change)
    return history


def shown_at(history: History, seq: int) -> dict[int, str]:
    """What a page shows at a seq."""
    shown: dict[int, str] = {}
    for change in history[:seq]:
        if isinstance(change, Review):
            shown[change.id] = change.content
        else:
            del shown[change.id]
    return shown


def between(history: History, after: int, head: int) -> Difference:
    """The difference between two seqs, made from the history itself."""
    changes = [
        change
        for change in history[after:head]
        if not any(later.id == change.id for later in history[change.seq : head])
    ]
    return Difference(
        book_id=10,
        after=after,
        head=head,
        review_count=len(shown_at(history, head)),
        changes=tuple(changes),
    )


STEPS = st.builds(Step, st.sampled_from(["create", "edit", "delete"]), st.integers(0, 99))
#: Short ones and long ones alike: a list by itself would nearly always be short.
HISTORIES = (
    st.integers(0, 25).flatmap(lambda size: st.lists(STEPS, min_size=size, max_size=size)).map(play)
)


@st.composite
def histories_with_seqs(draw: st.DrawFn, count: int) -> tuple[History, list[int]]:
    """A history and some points in it, in order."""
    history = draw(HISTORIES)
    point = st.integers(0, len(history))
    return history, sorted(draw(st.lists(point, min_size=count, max_size=count)))


@pytest.mark.parametrize("seq", [0, 1, 42, LARGEST_NUMBER])
def test_positions_survive_text(seq: int) -> None:
    """A position that was written is read as the same."""
    position = Position("k7q2m", seq)

    assert str(position) == f"k7q2m-{seq}"
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "k7q2m",
        "k7q2m-",
        "-42",
        "42",
        "k7q2m--42",
        "k7q2m-+42",
        "k7q2m-042",
        "k7q2m-00",
        "k7q2m-4_2",
        "k7q2m-4.0",
        "k7q2m-4e1",
        "k7q2m-0x1",
        "k7q2m-42-0",
        "K7Q2M-42",
        "k7q2m-42 ",
        " k7q2m-42",
        "k7q2m-42\n",
        "k7q2m-42\0",
        "k7q2m-٤٢",
        "k7q2m-\N{FULLWIDTH DIGIT FOUR}2",
        "\N{FULLWIDTH LATIN SMALL LETTER K}7q2m-42",
        "é-42",
        "\ud800-42",
        "k7q2m" * 3 + "-42",
        "k7q2m-" + "9" * 17,
        "9" * 5_000,
        "k7q2m-" + "1" * 5_000_000,
        "k" * 5_000_000 + "-1",
    ],
    ids=lambda text: f"{text[:16]!r}…{len(text)}",
)
def test_garbage_is_no_position(text: str) -> None:
    """What is not exactly `<epoch>-<seq>` is no position, of whatever length, and no error."""
    assert Position.parse(text) is None


@given(st.text() | st.from_regex(r"[0-9a-z]+-[0-9]+"))
def test_parsing_loses_nothing(text: str) -> None:
    """A text is read only as the position that is written just so."""
    position = Position.parse(text)

    assert position is None or str(position) == text


def test_seqs_are_exact_everywhere() -> None:
    """A seq that a page's script could not hold exactly is not accepted."""
    assert Position.parse(f"k7q2m-{LARGEST_NUMBER + 1}") is None


def test_epochs_fit_positions() -> None:
    """Each new epoch is another short word that a position can carry."""
    epochs = {new_epoch() for _ in range(50)}

    assert len(epochs) > 1
    for epoch in epochs:
        assert set(epoch) <= set(EPOCH_ALPHABET)
        assert Position.parse(f"{epoch}-7") == Position(epoch, 7)


def test_restored_reviews() -> None:
    """A restored review has appeared for all who were there before that, and is known after."""
    restored = make_review(created_seq=3, shown_seq=8, seq=9)

    for after, kind in [(0, "created"), (4, "created"), (7, "created"), (8, "updated")]:
        assert list(make_difference(restored, after=after).told()) == [(f"review.{kind}", restored)]


def test_authors_change_their_own() -> None:
    """A review may be changed by its author and by the staff, and by nobody else."""
    assert Account(user=make_user(id=3), staff=False).may_change(3)
    assert Account(user=make_user(id=4, username="june"), staff=True).may_change(3)
    assert not Account(user=make_user(id=4, username="june"), staff=False).may_change(3)


def test_new_reviews_are_created() -> None:
    """A review that was created after the reader's position is told as created."""
    review = make_review(created_seq=5)

    told = list(make_difference(review, after=4).told())

    assert told == [("review.created", review)]


def test_edited_new_reviews_are_created() -> None:
    """A review that was created and then edited is one created, with its present text."""
    edited = make_review(created_seq=5, seq=7, content="the present text")

    told = list(make_difference(edited, after=4).told())

    assert told == [("review.created", edited)]


def test_known_reviews_are_updated() -> None:
    """A review that the reader knows is told as updated."""
    edited = make_review(created_seq=4, seq=7)

    told = list(make_difference(edited, after=4).told())

    assert told == [("review.updated", edited)]


def test_known_reviews_are_deleted() -> None:
    """A deleted review that the reader knows is told as deleted."""
    tombstone = make_tombstone(created_seq=4, seq=7)

    told = list(make_difference(tombstone, after=4).told())

    assert told == [("review.deleted", tombstone)]


def test_passing_reviews_are_not_mentioned() -> None:
    """A review that was created and deleted after the reader's position is not mentioned."""
    tombstone = make_tombstone(created_seq=5, seq=7)

    assert not list(make_difference(tombstone, after=4).told())


def test_told_in_order() -> None:
    """Changes are told in the order in which they happened, known reviews and new ones alike."""
    difference = make_difference(
        make_review(id=33, created_seq=6),
        make_review(id=31, created_seq=4, seq=7),
        make_review(id=32, created_seq=5, seq=8),
        make_tombstone(id=30, created_seq=3, seq=9),
        after=4,
    )

    assert [(kind, change.id) for kind, change in difference.told()] == [
        ("review.created", 33),
        ("review.updated", 31),
        ("review.created", 32),
        ("review.deleted", 30),
    ]


def test_later_changes_replace_earlier() -> None:
    """Of a review that both differences change, the merged one has the later change alone."""
    created = make_difference(make_review(id=31, created_seq=1), make_review(id=32, created_seq=2))
    deleted = make_difference(make_tombstone(id=31, created_seq=1, seq=3), after=2, head=3)

    merged = created.merged(deleted)

    assert [change.id for change in merged.changes] == [32, 31]
    assert isinstance(merged.changes[-1], Tombstone)
    assert (merged.after, merged.head) == (0, 3)


@given(histories_with_seqs(2))
def test_told_changes_lead_there(given: tuple[History, list[int]]) -> None:
    """Who stands at a seq and does what is told shows what is there at the head."""
    history, (after, head) = given
    shown = shown_at(history, after)

    for kind, change in between(history, after, head).told():
        assert (change.id in shown) == (kind != "review.created")
        if isinstance(change, Review):
            shown[change.id] = change.content
        else:
            del shown[change.id]

    assert shown == shown_at(history, head)


@given(histories_with_seqs(5))
def test_merging_is_like_reading(given: tuple[History, list[int]]) -> None:
    """Consecutive differences, merged, are the difference of the whole way."""
    history, seqs = given
    steps = [between(history, after, head) for after, head in pairwise(seqs)]

    merged = reduce(Difference.merged, steps)

    assert merged == between(history, seqs[0], seqs[-1])


@given(histories_with_seqs(4), st.booleans())
def test_overlaps_merge_too(given: tuple[History, list[int]], swapped: bool) -> None:
    """Differences that overlap merge as well, whichever is merged into the other."""
    history, (a, b, c, d) = given
    earlier, later = between(history, a, c), between(history, b, d)

    merged = later.merged(earlier) if swapped else earlier.merged(later)

    assert merged == between(history, a, d)


@given(histories_with_seqs(4))
def test_parts_merge_into_wholes(given: tuple[History, list[int]]) -> None:
    """A difference that lies within another adds nothing to it."""
    history, (a, b, c, d) = given
    whole, part = between(history, a, d), between(history, b, c)

    assert whole.merged(part) == whole
    assert part.merged(whole) == whole


@given(histories_with_seqs(3))
def test_since_is_like_reading(given: tuple[History, list[int]]) -> None:
    """The part that a reader lacks is the difference from where that reader stands."""
    history, (after, seq, head) = given

    assert between(history, after, head).since(seq) == between(history, seq, head)


@given(histories_with_seqs(2), st.integers(1, 10))
def test_newest_is_like_reading(given: tuple[History, list[int]], count: int) -> None:
    """The newest changes are a difference too, of no more than so many and no fewer than it can."""
    history, (after, head) = given
    whole = between(history, after, head)

    newest = whole.newest(count)

    assert len(newest.changes) == min(count, len(whole.changes))
    assert newest == between(history, newest.after, head)


def test_newest_of_none() -> None:
    """No change at all is the newest of none."""
    difference = make_difference(make_review(id=31, created_seq=1))

    assert difference.newest(0).changes == ()
