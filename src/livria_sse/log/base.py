"""The log of each book's changes: the rungs of the ladder below the feed, and who hears of what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, Protocol

from livria_sse.models import Difference

#: By what processes learn of each other's changes: what each book's stream keeps, and what rings.
Way = Literal["streams", "doorbells"]


class Listener(Protocol):
    """Who hears of changes: the hub. Nothing of this waits or fails."""

    def hear(self, difference: Difference) -> None:
        """Takes note of a change of another process; it may be known, or leave a gap.

        A difference with nothing in it says where its book stands.
        """

    def missed(self, book_ids: Collection[int]) -> None:
        """Takes note that changes of these books may have gone by unheard: they are to be read."""

    def hear_viewers(self, process: str, counts: Mapping[int, int], *, every: bool) -> None:
        """Takes note of how many read books in another process: every book there, or some."""


class Log(Protocol):
    """What has changed in each book, numbered without gaps.

    Guarantees:

    - A difference is whole. It holds the latest change of every review that changed between its
      two ends, and nothing of what those changes replaced.
    - Any age will do. A position is too old only if more than the replay limit has changed since.
    - What was committed before a read began is in it, whichever process committed it, unless the
      reader says that less will do.
    - Reads change nothing, and may be repeated and cancelled at any moment.
    - What is published reaches the listeners of every other process, and so does what was committed
      by a process that died before it could publish: if not by the doorbell, then because every
      listener is told when it may have missed something, and compares heads from time to time.

    All reads raise `StoreUnavailable` when nothing that holds the truth can be reached. That says
    nothing about what happened: ask again.
    """

    @property
    def epoch(self) -> str:
        """The life of the database whose changes these are."""
        ...

    @property
    def degraded(self) -> str | None:
        """Why changes of other processes come late at present; None if they do not."""
        ...

    @property
    def cut(self) -> Mapping[Way, bool]:
        """Which of its ways through Redis are cut at present; it may have none."""
        ...

    @property
    def backlog(self) -> int:
        """In how many books something is still to be told to other processes."""
        ...

    @property
    def backlog_seconds(self) -> float:
        """For how long the oldest of it has waited; 0 if there is none."""
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

    async def since(self, book_id: int, seq: int, *, known: int | None = None) -> Difference:
        """What a reader at `seq` lacks. If `seq` is ahead of the head, `head` is below `after`.

        With `known`, a difference that leads at least there will do; it may then be read from
        wherever it is nearest. It says which rung that was.

        Raises:
            UnknownBook: There is no such book.
            DifferenceTooLarge: It has more changes than the replay limit.
        """
        ...

    def publish(self, difference: Difference) -> None:
        """Tells other processes what was committed. Never waits, and never fails."""
        ...

    def tell_viewers(self, counts: Mapping[int, int], *, every: bool) -> None:
        """Tells other processes how many read these books here. Never waits, and never fails.

        It may be lost. With `every`, nobody reads any other book here.
        """
        ...

    def watch(self, book_id: int) -> None:
        """Listens for a book's changes from now on; soon after, the listener has `missed` it."""
        ...

    def unwatch(self, book_id: int) -> None:
        """Listens for a book's changes no more."""
        ...

    async def listen(self, listener: Listener) -> None:
        """Lets the listener hear what other processes publish, until it is cancelled."""
        ...
