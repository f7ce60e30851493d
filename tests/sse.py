"""A reader of event streams, written from the WHATWG HTML standard, section 9.2.6, alone.

It shares no code with the service, so that it cannot share its mistakes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """An event that a browser would dispatch."""

    type: str
    data: str
    last_event_id: str

    @property
    def json(self) -> Any:
        """The data as JSON."""
        return json.loads(self.data)


class EventReader:
    """Takes bytes in pieces of any size and gives events."""

    def __init__(self, last_event_id: str = "") -> None:
        #: What the browser would send as `Last-Event-ID`.
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self.comments: list[str] = []
        self._pending = b""
        self._started = False
        self._after_cr = False
        self._data: list[str] = []
        self._type = ""
        self._id = last_event_id

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that the piece completes."""
        self._pending += piece
        if not self._started:
            if len(self._pending) < len(BOM) and BOM.startswith(self._pending):
                return  # it may still become one
            self._started = True
            self._pending = self._pending.removeprefix(BOM)
        while (line := self._next_line()) is not None:
            event = self._take(line.decode("utf-8", "replace"))
            if event:
                yield event

    def _next_line(self) -> bytes | None:
        if self._after_cr and self._pending:  # CR ends a line at once; an LF behind it is its own
            self._after_cr = False
            self._pending = self._pending.removeprefix(b"\n")
        ends = [at for at in (self._pending.find(b"\n"), self._pending.find(b"\r")) if at >= 0]
        if not ends:
            return None
        end = min(ends)
        self._after_cr = self._pending[end : end + 1] == b"\r"
        line, self._pending = self._pending[:end], self._pending[end + 1 :]
        return line

    def _take(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.comments.append(line[1:].strip())
            return None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                self._type = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value)
        return None

    def _dispatch(self) -> Event | None:
        self.last_event_id = self._id
        data, type_ = "\n".join(self._data), self._type or "message"
        had_data = bool(self._data)
        self._data, self._type = [], ""
        return Event(type_, data, self.last_event_id) if had_data else None
