"""A stream as a person reads it: each event a line, for as long as they look."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, SSEError, connect_sse

from livria_sse.errors import LivriaError, UnknownBook
from livria_sse.models import Position

#: A stream that is silent for longer is dead: heartbeats come every 30 s at least.
SILENT_SECONDS = 65.0
CONNECT_SECONDS = 10.0
#: How long to wait after a failure: from the first to the longest, doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0

#: Refusals that are not for ever.
LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)
#: What is said of events that are about no review.
NOTICED = ("mode", "head", "reason", "viewers")

Say = Callable[[str], None]


class Watch:
    """Follows the stream of a book, and comes back by itself."""

    def __init__(self, url: str, book_id: int, *, position: str = "", heartbeats: bool = False):
        self._address = f"{url.rstrip('/')}/sse/books/{book_id}/"
        self._position = position
        self._heartbeats = heartbeats
        self._pause = 0.0
        self._failures = 0

    def follow(self, say: Say) -> None:
        """Says what happens until it is interrupted.

        Raises:
            UnknownBook: There is no such book.
            LivriaError: Nothing at that address ever will be a stream.
        """
        timeout = httpx.Timeout(CONNECT_SECONDS, read=SILENT_SECONDS)
        with httpx.Client(timeout=timeout, follow_redirects=True) as client:
            while True:
                try:
                    self._connect(client, say)
                    away = "the stream ended"
                except (httpx.UnsupportedProtocol, httpx.InvalidURL, SSEError) as error:
                    raise LivriaError(f"{self._address}: this is no address of a site.") from error
                except httpx.RequestError as error:
                    away = str(error) or type(error).__name__
                    self._failures += 1
                seconds = self._pause or self._backoff()
                say(f"-- {_plain(away)}; again in {seconds:.1f} s")
                time.sleep(seconds)

    def _connect(self, client: httpx.Client, say: Say) -> None:
        headers = {"Last-Event-ID": self._position} if self._position else {}
        self._pause = 0.0
        with connect_sse(client, "GET", self._address, headers=headers) as source:
            _check(source.response)
            for event in source.iter_sse():
                self._failures = 0
                self._take(event)
                if event.event != "stream.heartbeat" or self._heartbeats:
                    say(f"{time.strftime('%H:%M:%S')}  {line_of(event)}")

    def _take(self, event: ServerSentEvent) -> None:
        self._position = event.id if Position.parse(event.id) else self._position
        if event.retry is not None:
            self._pause = event.retry / 1000

    def _backoff(self) -> float:
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._failures)
        return longest * random.uniform(0.5, 1)  # noqa: S311


def _check(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.NOT_FOUND:
        raise UnknownBook
    if httpx.codes.is_client_error(response.status_code) and response.status_code not in LATER:
        raise LivriaError(f"{response.url} answers {response.status_code}.")
    if response.status_code != httpx.codes.OK:  # a proxy whose server is away
        raise httpx.RemoteProtocolError(f"it answers {response.status_code}")


def line_of(event: ServerSentEvent) -> str:
    """An event in a line, with nothing in it that a terminal would obey."""
    try:
        data = event.json()
        position, told = str(data.get("position", "")), _told(data)
    except (ValueError, AttributeError, TypeError, KeyError):  # it is nothing that we send
        return _plain(f"{event.event}: {event.data}")
    return _plain(f"{position:<14} {event.event.removeprefix('review.'):<9} {told}").rstrip()


def _told(data: dict[str, Any]) -> str:
    if review := data.get("review"):
        said = f"#{review['id']} {review['user']['username']}: {review['content']}"
    elif "review_id" in data:
        said = f"#{data['review_id']}"
    else:
        said = " ".join(f"{name}={data[name]}" for name in NOTICED if name in data)
    count = data.get("review_count")
    return said if count is None else f"{said}  ({count} in all)"


def _plain(text: str) -> str:
    return "".join(_characters(text))


def _characters(text: str) -> Iterator[str]:
    for character in text:
        yield character if character.isprintable() else "⏎" if character == "\n" else "�"
