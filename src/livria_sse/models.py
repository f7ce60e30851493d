"""The values that the service passes around. Nothing here knows about HTTP, SQL or Redis."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Literal

#: The largest id and seq accepted from outside: what a JavaScript number holds exactly.
LARGEST_NUMBER = 2**53 - 1

LONGEST_POSITION = 32
EPOCH_ALPHABET = string.digits + string.ascii_lowercase
_POSITION = re.compile(r"([0-9a-z]{1,12})-(0|[1-9][0-9]{0,15})")

#: Where a difference can be taken from, the nearest first.
Rung = Literal["feed", "redis", "sql"]
ChangeType = Literal["review.created", "review.updated", "review.deleted"]
#: Why a position cannot be resumed from.
ResetReason = Literal["malformed", "epoch", "ahead", "too_large"]


def new_epoch() -> str:
    """A short random word that names one life of the database."""
    return "".join(secrets.choice(EPOCH_ALPHABET) for _ in range(5))


@dataclass(frozen=True, slots=True)
class Position:
    """A point in the history of one book: the SSE id, `Last-Event-ID`, and `position` in JSON."""

    #: The life of the database in which `seq` was counted.
    epoch: str
    #: How many changes of the book have happened; 0 is before the first.
    seq: int

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """`<epoch>-<seq>` as a position; None if it is anything else, of whatever length."""
        match = _POSITION.fullmatch(text) if len(text) <= LONGEST_POSITION else None
        if match is None or int(match[2]) > LARGEST_NUMBER:
            return None
        return cls(match[1], int(match[2]))

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody as others see them: the author of a review."""

    id: int
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may write."""

    user: User
    #: Whether they may change the reviews of others.
    staff: bool

    def may_change(self, author_id: int) -> bool:
        """Whether this account may edit and delete the reviews of an author."""
        return self.staff or self.user.id == author_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A book as the catalogue describes it."""

    id: int
    title: str
    author: str
    description: str
    #: Address of a picture, absolute or from the site's root; empty for none.
    cover: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book(CatalogueEntry):
    """A book and the state of its reviews."""

    #: The seq of its newest change.
    head: int
    review_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review as it reads now. As a change, it says that the review was created or edited."""

    id: int
    book_id: int
    user: User
    content: str
    created_at: datetime
    updated_at: datetime
    #: The seq with which it was created.
    created_seq: int
    #: The seq with which it appeared last: it was created then, or restored.
    shown_seq: int
    #: The seq of its latest change.
    seq: int

    @property
    def size(self) -> int:
        """Bytes of its text."""
        return len(self.content.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What is left of a review that was deleted or hidden. As a change, it says just that."""

    id: int
    created_seq: int
    seq: int


Change = Review | Tombstone


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed in a book's reviews between two positions: the unit that is told to readers.

    It is compacted: `changes` holds one entry for each review that changed after `after`, its
    latest, in the order of seq. It is whole: there is no other change between its two ends.
    """

    book_id: int
    #: The seq that it follows.
    after: int
    #: The seq that it leads to.
    head: int
    #: The number of reviews at `head`.
    review_count: int
    changes: tuple[Change, ...]
    #: The rung it was read from: where it was made, unless somebody nearer has kept it.
    rung: Rung = field(default="sql", compare=False)

    def since(self, seq: int) -> Difference:
        """The part of it that a reader at `seq` lacks; `after <= seq <= head`."""
        if seq == self.after:
            return self
        changes = tuple(change for change in self.changes if change.seq > seq)
        return replace(self, after=seq, changes=changes)

    def merged(self, *others: Difference) -> Difference:
        """All as one. Each must overlap with those before it, or one must follow the other."""
        all_of_them = (self, *others)
        changes = sorted(chain.from_iterable(each.changes for each in all_of_them), key=_by_seq)
        latest = {change.id: change for change in changes}
        return replace(
            max(all_of_them, key=lambda difference: difference.head),
            after=min(difference.after for difference in all_of_them),
            changes=tuple(sorted(latest.values(), key=_by_seq)),
        )

    def newest(self, count: int) -> Difference:
        """The part of it with the newest changes, no more than so many."""
        left_out = len(self.changes) - count
        if left_out <= 0:
            return self
        after = self.changes[left_out - 1].seq
        return replace(self, after=after, changes=self.changes[left_out:])

    def too_far_back(self, size: int) -> int | None:
        """The newest seq that more than so many bytes of text follow; None if there are fewer."""
        for change in reversed(self.changes):
            if isinstance(change, Review):
                size -= change.size
                if size < 0:
                    return change.seq - 1
        return None

    @property
    def size(self) -> int:
        """Bytes of text in it."""
        return sum(change.size for change in self.changes if isinstance(change, Review))

    def told(self) -> Iterator[tuple[ChangeType, Change]]:
        """The changes as they concern a reader who stands at `after`, in the order of seq.

        What has appeared since is created, whatever was edited since; what came and went meanwhile
        is not mentioned.
        """
        for change in self.changes:
            if isinstance(change, Review):
                appeared = change.shown_seq > self.after
                yield ("review.created" if appeared else "review.updated"), change
            elif change.created_seq <= self.after:
                yield "review.deleted", change


def _by_seq(change: Change) -> int:
    return change.seq
