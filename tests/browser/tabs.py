"""Tabs that follow books by the module alone, without the pages around it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import httpx
from playwright.sync_api import BrowserContext, Error, Page, Request
from tests.parts import Person, ServerProcess

#: Long enough for a machine that does much else; nothing waits for so long that works.
SECONDS = 20
#: Where nothing is awaited for as long as a person would.
IMPATIENT = {
    "first": 700,
    "silence": 3_000,
    "poll": 300,
    "again": 1_500,
    "pause": 300,
    "longest": 1_000,
    "hidden": 300,
    "answer": 700,
    "spread": 100,
    "shrink": 200,
}
#: Keeps what the callbacks are told, for each book. A change that comes twice, or that is older
#: than what is known, leaves its trace in `order`.
FOLLOW = """
async (options) => {
  const { watchReviews } = await import("/static/livria-reviews.js");
  const told = { state: "", states: [], order: [], count: null, snapshots: 0, reviews: {} };
  (window.told ??= {})[options.book] = told;
  (window.watches ??= {})[options.book] = watchReviews({
    ...options,
    onState: (state) => told.states.push((told.state = state)),
    onCount: (count) => (told.count = count),
    onViewers: (viewers) => (told.viewers = viewers),
    onSnapshot: (book) => {
      told.snapshots += 1;
      told.count = book.review_count;
      told.reviews = Object.fromEntries(book.reviews.map(({ id, content }) => [id, content]));
    },
    onChange: (change) => {
      told.count = change.review_count;
      told.order.push(Number(change.position.split("-")[1]));
      if (change.review) told.reviews[change.review.id] = change.review.content;
      else delete told.reviews[change.review_id];
    },
  });
}
"""
HIDEABLE = """
window.isHidden = false;
Object.defineProperty(document, "hidden", { get: () => window.isHidden });
"""
HIDE = """
(isHidden) => {
  window.isHidden = isHidden;
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}
"""
HEARTBEAT = """
(origin) => new Promise((resolve) => {
  const channel = new BroadcastChannel(`livria-reviews 2 ${origin} same-origin`);
  channel.addEventListener("message", ({ data }) => data.exact && resolve());
})
"""
TOLD = "([book, name]) => window.told[book][name]"


class Scriptable(Protocol):
    """A page in which scripts can be run."""

    def evaluate(self, expression: str, argument: Any = None, /) -> Any:
        """What a function of an argument returns."""

    def wait_for_timeout(self, milliseconds: float, /) -> None:
        """Waits, while the page goes on."""


class Follower:
    """A page of a site that follows books."""

    def __init__(self, page: Scriptable) -> None:
        self._page = page

    def watch(self, book: int, *, patience: dict[str, int] | None = None, **options: Any) -> None:
        """Follows a book from now on."""
        patience = {**IMPATIENT, **(patience or {})}
        self._page.evaluate(FOLLOW, {"book": book, "patience": patience, **options})

    def close(self, book: int) -> None:
        """Follows a book no more."""
        self._page.evaluate("(book) => window.watches[book].close()", book)

    def told(self, book: int, name: str) -> Any:
        """What was told of a book: `state`, `states`, `count`, `viewers`, and so on."""
        return self._page.evaluate(TOLD, [book, name])

    def is_in_state(self, book: int, state: str) -> None:
        """Waits until it is."""
        self.is_told(book, "state", state)

    def is_told(self, book: int, name: str, value: object) -> None:
        """Waits until it is, as its last word."""
        until(self._page, lambda: bool(self.told(book, name) == value))

    def shows(self, book: int, *contents: str) -> None:
        """Waits until its reviews are these, from the oldest; each change was told once."""
        try:
            until(self._page, lambda: self.texts(book) == list(contents))
        except AssertionError:
            assert self.texts(book) == list(contents)
        order = self.told(book, "order")
        assert order == sorted(set(order))

    def texts(self, book: int) -> list[str]:
        """The reviews that it knows, from the oldest."""
        reviews = self.told(book, "reviews")
        return [reviews[number] for number in sorted(reviews, key=int)]


class Tab(Follower):
    """One in a browser of Playwright's."""

    def __init__(self, context: BrowserContext, url: str, *, with_clock: bool = False) -> None:
        self.page: Page = context.new_page()
        super().__init__(self.page)
        #: The streams that it has asked for.
        self.streams: list[str] = []
        self.page.add_init_script(HIDEABLE)
        self.page.on("request", self._count)
        if with_clock:  # that can be put forward
            self.page.clock.install()
        self.page.goto(f"{url}/healthz")

    def _count(self, request: Request) -> None:
        if "/sse/" in request.url:
            self.streams.append(request.url)

    def wait_for_heartbeat(self, origin: str) -> None:
        """Waits until its browser has heard one of a server."""
        self.page.evaluate(HEARTBEAT, origin)

    def hide(self, *, back: bool = False) -> None:
        """Lets the page believe that nobody sees it, or that somebody does again."""
        self.page.evaluate(HIDE, not back)

    def leave(self, *, back: bool = False) -> None:
        """Lets the page believe that it was left for another, or came back from the cache."""
        event = "pageshow" if back else "pagehide"
        self.page.evaluate(
            f"dispatchEvent(new PageTransitionEvent('{event}', {{persisted: true}}))"
        )

    def crash(self) -> None:
        """Ends its process."""
        with self.page.expect_event("crash"), suppress(Error):  # nobody is left to answer
            self.page.goto("chrome://crash", wait_until="commit")


def until(page: Scriptable, condition: Callable[[], bool]) -> None:
    """Waits for a condition, while the browser goes on."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        page.wait_for_timeout(20)


def open_streams(server: ServerProcess) -> int:
    """How many streams a server serves."""
    metrics = httpx.get(f"{server.url}/metrics").text
    return round(float(re.findall(r"^livria_streams_open (\S+)", metrics, re.MULTILINE)[0]))


def position_of(person: Person, book: int) -> str:
    """Where a book stands."""
    position: str = person.get(f"/api/books/{book}/")["position"]
    return position
