"""A book in plain Python: what happens to it, and what a reader at any seq lacks."""

from __future__ import annotations

from dataclasses import dataclass, field

from livria_sse.models import Change, Difference, Review
from tests.factories import make_review, make_tombstone

BOOK = 10


@dataclass
class History:
    """All changes of a book, in order."""

    changes: list[Change] = field(default_factory=list)

    @property
    def head(self) -> int:
        """The seq of the newest."""
        return len(self.changes)

    def create(self, content: str = "good") -> Difference:
        """A new review."""
        seq = self.head + 1
        return self._add(make_review(id=100 + seq, content=content, created_seq=seq))

    def edit(self, pick: int, content: str) -> Difference:
        """Another text for one of the reviews that are there, or a new one if there are none."""
        present = self._present()
        if not present:
            return self.create(content)
        old = present[pick % len(present)]
        return self._add(
            make_review(
                id=old.id,
                content=content,
                created_seq=old.created_seq,
                shown_seq=old.shown_seq,
                seq=self.head + 1,
            )
        )

    def delete(self, pick: int) -> Difference:
        """One of the reviews that are there goes, or a new one comes if there are none."""
        present = self._present()
        if not present:
            return self.create()
        old = present[pick % len(present)]
        return self._add(make_tombstone(id=old.id, created_seq=old.created_seq, seq=self.head + 1))

    def since(self, seq: int) -> Difference:
        """What a reader at a seq lacks: the latest change of each review that changed."""
        latest = {change.id: change for change in self.changes[seq:]}
        return Difference(
            book_id=BOOK,
            after=seq,
            head=self.head,
            review_count=len(self._present()),
            changes=tuple(sorted(latest.values(), key=lambda change: change.seq)),
        )

    def _add(self, change: Change) -> Difference:
        self.changes.append(change)
        return self.since(self.head - 1)

    def _present(self) -> list[Review]:
        latest = {change.id: change for change in self.changes}
        return [change for change in latest.values() if isinstance(change, Review)]
