"""The tests' own reader of event streams, against the standard that it was written from.

WHATWG HTML, section 9.2.6, "Interpreting an event stream", and its examples.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, strategies as st

from tests.sse import Event, EventReader

BOM = b"\xef\xbb\xbf"

STOCKS = b"data: YHOO\ndata: +2\ndata: 10\n\n"
FOUR_BLOCKS = b""": test stream

data: first event
id: 1

data:second event
id

data:  third event

"""
EMPTY_DATA = b"""data

data
data

data:
"""
WITH_AND_WITHOUT_SPACE = b"data:test\n\ndata: test\n\n"
NAMED = b"""event: add
data: 73857293

event: remove
data: 2153

event: add
data: 113411

"""


def read(*pieces: bytes) -> list[Event]:
    """The events in a stream that arrives in pieces."""
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)]


def told(events: Iterable[Event]) -> list[str]:
    """The data alone."""
    return [event.data for event in events]


def test_stock_prices() -> None:
    """The lines of data of one block are one event, joined by newlines."""
    assert read(STOCKS) == [Event("message", "YHOO\n+2\n10", "")]


def test_four_blocks() -> None:
    """A comment fires nothing, an empty id takes the last one away, and one space is dropped."""
    assert read(FOUR_BLOCKS) == [
        Event("message", "first event", "1"),
        Event("message", "second event", ""),
        Event("message", " third event", ""),
    ]


def test_empty_data() -> None:
    """Data may be empty; a block without its blank line is discarded."""
    assert told(read(EMPTY_DATA)) == ["", "\n"]


def test_space_is_optional() -> None:
    """The space after the colon makes no difference."""
    first, second = read(WITH_AND_WITHOUT_SPACE)

    assert first == second == Event("message", "test", "")


def test_named_events() -> None:
    """An event has the name that its block gives it."""
    assert [(event.type, event.data) for event in read(NAMED)] == [
        ("add", "73857293"),
        ("remove", "2153"),
        ("add", "113411"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CRLF"])
def test_line_ends(end: str) -> None:
    """A line ends with LF, CR or CRLF, and an event is there as soon as its blank line is."""
    stream = end.join(["event: add", "id: 7", "data: a", "data: b", "", ""])

    assert read(stream.encode()) == [Event("add", "a\nb", "7")]


def test_mixed_line_ends() -> None:
    """Line ends may be mixed; an LF after a CR belongs to it, a CR after an LF does not."""
    assert told(read(b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\rdata: e\r\n\n")) == [
        "a\nb\nc",
        "d",
        "e",
    ]


@pytest.mark.parametrize(
    "stream",
    [STOCKS, FOUR_BLOCKS, EMPTY_DATA, WITH_AND_WITHOUT_SPACE, NAMED, BOM + STOCKS],
    ids=["stocks", "blocks", "empty", "space", "named", "bom"],
)
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_pieces_of_any_size(stream: bytes, end: bytes) -> None:
    """A stream that is split anywhere, or everywhere, is read as if it had come at once."""
    stream = stream.replace(b"\n", end) + b":"
    whole = read(stream)

    assert whole == read(*(stream[at : at + 1] for at in range(len(stream))))
    for at in range(len(stream)):
        assert whole == read(stream[:at], stream[at:])


@given(
    st.lists(
        st.sampled_from(
            [b"data", b"id", b"event", b"retry", b":", b" ", b"\n", b"\r", b"7", b"\0", b"\xff"]
        ),
        max_size=30,
    ).map(b"".join),
    st.data(),
)
def test_splits_change_nothing(stream: bytes, data: st.DataObject) -> None:
    """Whatever a stream holds, where it is split makes no difference."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert read(*pieces) == read(stream)


def test_leading_bom() -> None:
    """One byte order mark at the start is no part of the first line."""
    assert told(read(BOM + b"data: x\n\n")) == ["x"]
    assert told(read(BOM + BOM + b"data: x\n\n")) == []


def test_bom_elsewhere() -> None:
    """A byte order mark anywhere else is text, however the stream is split."""
    stream = b"\n" + BOM + b"data: x\n\ndata: y\n\n"

    assert told(read(stream)) == ["y"]
    assert told(read(*(stream[at : at + 1] for at in range(len(stream))))) == ["y"]


def test_comments_are_kept() -> None:
    """Lines that begin with a colon are comments: no event's, but a test can see them."""
    reader = EventReader()

    events = list(reader.feed(b": one\n:two\ndata: x\n:\n\n"))

    assert told(events) == ["x"]
    assert reader.comments == ["one", "two", ""]


@pytest.mark.parametrize("line", ["Data: x", "data : x", " data: x", "datax: x", "x"])
def test_unknown_fields(line: str) -> None:
    """A field whose name is not exactly one of the four is passed over."""
    assert told(read(f"{line}\ndata: y\n\n".encode())) == ["y"]


def test_ids_stay() -> None:
    """An id holds for all events that follow, until there is another."""
    events = read(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n")

    assert [event.last_event_id for event in events] == ["1", "1", "2"]


def test_ids_with_nul() -> None:
    """An id with a NUL is passed over."""
    (event,) = read(b"id: 1\nid: 2\0\ndata: a\n\n")

    assert event.last_event_id == "1"


@pytest.mark.parametrize("line", [b"id", b"id:", b"id: "])
def test_empty_ids(line: bytes) -> None:
    """An empty id takes the last one away."""
    reader = EventReader()

    list(reader.feed(b"id: 1\ndata: a\n\n" + line + b"\ndata: b\n\n"))

    assert reader.last_event_id == ""


def test_lone_ids_count() -> None:
    """An id without data fires nothing, but is the last one from its blank line on."""
    reader = EventReader()

    assert not list(reader.feed(b"id: 7\n"))
    assert reader.last_event_id == ""
    assert not list(reader.feed(b"\n"))
    assert reader.last_event_id == "7"


def test_ids_before_reading() -> None:
    """A reader that resumes keeps its last id until the stream gives another."""
    reader = EventReader("k7q2m-40")

    (event,) = reader.feed(b"data: a\n\n")

    assert event.last_event_id == reader.last_event_id == "k7q2m-40"


def test_incomplete_frames() -> None:
    """What a stream ends with, and no blank line follows, never happened: its id neither."""
    reader = EventReader()

    events = list(reader.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n"))

    assert told(events) == ["a"]
    assert reader.last_event_id == "1"


def test_types_do_not_stay() -> None:
    """A type holds for its own block only, even if that has no data."""
    events = read(b"event: add\n\ndata: a\n\nevent: add\ndata: b\n\ndata: c\n\nevent:\ndata: d\n\n")

    assert [event.type for event in events] == ["message", "add", "message", "message"]


@pytest.mark.parametrize(
    ("value", "retry"),
    [
        ("2317", 2317),
        ("007", 7),
        ("", None),
        ("1s", None),
        ("-1", None),
        ("1.5", None),
        ("1 ", None),
        ("\N{FULLWIDTH DIGIT ONE}", None),
        ("\N{SUPERSCRIPT TWO}", None),
    ],
)
def test_retry_is_digits(value: str, retry: int | None) -> None:
    """A reconnection time is ASCII digits alone, or is passed over."""
    reader = EventReader()

    list(reader.feed(f"retry: {value}\n\n".encode()))

    assert reader.retry == retry


def test_bytes_that_are_no_text() -> None:
    """What is not UTF-8 becomes a replacement character, and harms nothing behind it."""
    assert told(read(b"data: \xff\n\ndata: y\n\n")) == ["\N{REPLACEMENT CHARACTER}", "y"]
