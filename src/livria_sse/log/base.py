"""The log of each book's changes, as the hub reads it: the rungs of the ladder below the feed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from livria_sse.models import Difference


class Log(Protocol):
    """What has changed in each book, numbered without gaps.

    Guarantees:

    - A difference is whole. It holds the latest change of every review that changed between its
      two ends, and nothing of what those changes replaced: no text that was deleted or edited away
      before the read began.
    - Any age will do. A position is too old only if more than the replay limit has changed since.
    - What was committed before a read began is in it, whichever process committed it.
    - Reads change nothing, and may be repeated and cancelled at any moment.

    All verbs raise `StoreUnavailable` when nothing that holds the truth can be reached. That says
    nothing about what happened: ask again.
    """

    @property
    def epoch(self) -> str:
        """The life of the database whose changes these are."""
        ...

    async def head(self, book_id: int) -> Difference:
        """Where a book stands: the difference, with nothing in it, that follows its head.

        Raises:
            UnknownBook: There is no such book.
        """
        ...

    async def heads(self, book_ids: Collection[int]) -> dict[int, int]:
        """The heads of many books, in one query; a book that is not there is left out."""
        ...

    async def since(self, book_id: int, seq: int) -> Difference:
        """What a reader at `seq` lacks. If `seq` is ahead of the head, `head` is below `after`.

        Raises:
            UnknownBook: There is no such book.
            DifferenceTooLarge: It has more changes than the replay limit.
        """
        ...
