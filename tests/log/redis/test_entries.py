"""Changes as Redis carries them."""

from __future__ import annotations

import json

import pytest

from livria_sse.log.redis.entries import bell, change_of, entry, heard
from livria_sse.models import Change
from tests.factories import make_difference, make_review, make_tombstone

CHANGES = [
    make_review(created_seq=3, seq=9),
    make_review(created_seq=3, shown_seq=8, seq=9),
    make_tombstone(created_seq=3, seq=9),
]


@pytest.mark.parametrize("change", CHANGES, ids=["review", "restored", "tombstone"])
def test_entries_and_bells(change: Change) -> None:
    """What is read of an entry, or heard of a bell, is what was told."""
    difference = make_difference(change, after=8)

    assert change_of(entry(change), 9) == change
    assert heard(bell(difference, [entry(change)]).encode(), 10) == difference


def test_entries_of_old_processes() -> None:
    """A process of before reviews could be restored tells of none that was."""
    told = json.loads(entry(make_review(created_seq=3, seq=9)))
    del told["shown_seq"]

    assert change_of(json.dumps(told), 9) == make_review(created_seq=3, seq=9)
