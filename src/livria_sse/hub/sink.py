"""What the hub needs of a reader's connection, whichever server holds it."""

from __future__ import annotations

from typing import Protocol

from livria_sse.hub.burst import Burst


class Owner(Protocol):
    """Who is told what becomes of a connection: the subscriber. No verb waits or fails."""

    def wait(self) -> None:
        """Takes note that a part of what was written is on its way, and the rest waits."""

    def drained(self) -> None:
        """Takes note that all that was written is on its way, so that more may follow."""

    def left(self) -> None:
        """Takes note that the connection is gone."""


class Writer(Protocol):
    """Takes what is written of a book."""

    def write(self, burst: Burst) -> bool:
        """Gives a burst to the server; whether more may follow at once."""
        ...


class Sink(Writer, Protocol):
    """The way to one reader's socket.

    Guarantees:

    - No verb waits or raises, whatever became of the connection, and none calls its owner back
      before it returns.
    - What is written comes in order, each burst whole, or the owner is told that the reader left.
    - It has no queue: after a `write` that answered False nothing is written until `drained`.
    """

    #: Whom to tell. Set before anything is written.
    owner: Owner

    def open(self, first: Burst) -> bool:
        """Begins the response with a burst; whether more may follow at once."""
        ...

    def end(self, last: Burst | None) -> None:
        """Ends the stream cleanly after a last burst, or cuts it off if that cannot be sent soon.

        The owner is told when the reader has left.
        """
        ...

    def abort(self) -> None:
        """Cuts the connection off, whatever is unsent."""
        ...
