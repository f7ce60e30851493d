"""Changes and notices as SSE bytes.

The grammar is the WHATWG HTML standard's, section 9.2.6, with LF line ends. Event names and ids
are ours; whatever a user wrote is inside JSON, which has no raw line ends.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from sse_starlette.event import ServerSentEvent

from livria_sse.documents import change_json, compact_json
from livria_sse.models import Difference, Position, ResetReason

Mode = Literal["live", "resumed", "reset"]


def difference_frames(difference: Difference, epoch: str) -> bytes:
    """The frames that take a reader from `difference.after` to `difference.head`.

    Each carries the position of its change, so that a reader who is cut off in between goes on from
    there. (With the id on the last frame only, such a reader would start the difference again, and
    keep a new review that is deleted by then: it came and went after their position, and is not
    mentioned.) Where the newest changes are not mentioned, a lone id moves the reader on.
    """
    frames = []
    reached = difference.after
    for kind, change in difference.told():
        reached = change.seq
        position = Position(epoch, reached)
        told = change_json(kind, change, difference, position)
        frames.append(_frame(kind, told, position=position))
    if reached < difference.head or not frames:
        frames.append(standing(str(Position(epoch, difference.head))))
    return b"".join(frames)


def opening(
    book_id: int, *, mode: Mode, position: Position | None, head: Position, review_count: int
) -> bytes:
    """The first bytes of a stream: a line for people, when to come back, and `stream.ready`.

    `position` is where the reader stands; None if that is not known. In that case there is no id
    before the `stream.reset` that follows: a reader who is cut off in between asks the same again.
    `review_count` is that at `head`. A reader who was cut off within a difference knows the count
    at its end, and might be told of nothing more.
    """
    first, ready = _opening(book_id, mode, position, head, review_count)
    return b"%bretry: %d\n%b" % (first, retry_milliseconds(), ready)


@lru_cache(maxsize=256)  # a herd of readers stands at few positions
def _opening(
    book_id: int, mode: Mode, position: Position | None, head: Position, review_count: int
) -> tuple[bytes, bytes]:
    start = str(position) if position else "-"
    first = f": livria-sse book={book_id} from={start} head={head} mode={mode}\n"
    data = {
        "type": "stream.ready",
        "book": book_id,
        "mode": mode,
        "position": str(position or head),
        "head": str(head),
        "review_count": review_count,
    }
    return first.encode(), _encode("stream.ready", data, position=position)


def standing(position: str, *, retry: int | None = None) -> bytes:
    """Moves a reader, who is told nothing else, except when to come back."""
    return ServerSentEvent(id=position, retry=retry, sep="\n").encode()


def padding() -> bytes:
    """A comment that fills the buffers of those who hold small answers back.

    Some virus scanners and proxies of offices do, up to about 2 KiB.
    """
    return b":%b\n" % (b" " * 2046)


def reset(book_id: int, *, reason: ResetReason, head: Position) -> bytes:
    """Tells the reader to fetch the book again and to go on from there."""
    data = {"type": "stream.reset", "book": book_id, "reason": reason, "position": str(head)}
    return _encode("stream.reset", data, position=head)


def heartbeat(seconds: int) -> bytes:
    """A sign of life that scripts can see, unlike a comment, and the seconds to the next one.

    It has no id and moves nothing.
    """
    return _encode("stream.heartbeat", {"type": "stream.heartbeat", "interval": seconds})


def sign_of_life() -> bytes:
    """A comment, for who has to see more often than scripts do that a stream is alive."""
    return b":\n"


def viewers(book_id: int, number: int) -> bytes:
    """How many have the page of a book open now. It has no id and moves nothing."""
    told = f'{{"type":"stream.viewers","book":{book_id},"viewers":{number}}}'
    return b"event: stream.viewers\ndata: %b\n\n" % told.encode()  # at once: every reader gets one


def closing() -> bytes:
    """The farewell of a server that stops: come back elsewhere, not all at once."""
    return _closing(retry_milliseconds())


def already_closing(readers: int) -> bytes:
    """The farewell to those who come to a server that stops, which had so many readers.

    Many have waited just before, as the process that they were at was replaced, too. Behind a proxy
    half of them or more find another at once: with a second on the average, some were away for
    5.8 s. Where there is no other, the more they are, the less often they ask.
    """
    return _closing(random.randint(100, 300 + readers // 4))  # noqa: S311


def _closing(retry: int) -> bytes:
    return _encode("stream.closing", {"type": "stream.closing"}, retry=retry)


def busy() -> bytes:
    """What a stream that cannot be served now is answered, with status 200.

    EventSource gives up for good on any other status (WHATWG HTML, section 9.2.2, "fail the
    connection"), so an overloaded server asks it to come back in 10 to 30 s.
    """
    return _encode("stream.busy", {"type": "stream.busy"}, retry=random.randint(10_000, 30_000))  # noqa: S311


def retry_milliseconds() -> int:
    """How long a client waits before it reconnects: 2 s, spread so that not all come at once."""
    return random.randint(1_500, 2_500)  # noqa: S311


def _encode(
    event: str,
    data: Mapping[str, object],
    *,
    position: Position | None = None,
    retry: int | None = None,
) -> bytes:
    return _frame(event, compact_json(data), position=position, retry=retry)


def _frame(
    event: str, data: str, *, position: Position | None = None, retry: int | None = None
) -> bytes:
    # The id comes last: some clients take it as soon as its line is there, and would go on behind
    # an event in the middle of which they were cut off.
    frame = ServerSentEvent(data, event=event, retry=retry, sep="\n").encode()
    return frame if position is None else b"%bid: %b\n\n" % (frame[:-1], str(position).encode())
