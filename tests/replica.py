"""A reader's copy of a book: what a page shows after it has applied a stream's events."""

from __future__ import annotations

from typing import Any

from tests.sse import Event, EventReader


class Replica:
    """Reviews by id, kept as a page keeps them; it outlives the connections that feed it."""

    def __init__(self) -> None:
        self.reviews: dict[int, str] = {}
        self.review_count: int | None = None
        self.last_event_id = ""
        self.resets = 0
        #: How many milliseconds to wait before coming back, if anything was said about it.
        self.retry: int | None = None
        #: Every event that was ever dispatched, in order.
        self.events: list[Event] = []
        #: Every id that was the last one at some time, in order.
        self.ids: list[str] = []
        self._reader = EventReader()

    def connected(self) -> None:
        """Begins a connection: what was half received on the last one is gone."""
        self._reader = EventReader(self.last_event_id)

    def feed(self, piece: bytes) -> None:
        """Applies what a piece of the stream completes."""
        for event in self._reader.feed(piece):
            self.events.append(event)
            self._apply(event.type, event.json)
        self.retry = self._reader.retry or self.retry
        if self._reader.last_event_id != self.last_event_id:
            self.last_event_id = self._reader.last_event_id
            self.ids.append(self.last_event_id)

    def _apply(self, type_: str, data: dict[str, Any]) -> None:
        if type_ in {"review.created", "review.updated"}:
            self.reviews[data["review"]["id"]] = data["review"]["content"]
            self.review_count = data["review_count"]
        elif type_ == "review.deleted":
            self.reviews.pop(data["review_id"], None)
            self.review_count = data["review_count"]
        elif type_ == "stream.ready":
            self.review_count = data["review_count"]
        elif type_ == "stream.reset":
            self.resets += 1
