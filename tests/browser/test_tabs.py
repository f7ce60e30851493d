"""The tabs of one browser: one stream for all, and nothing lost when it changes hands."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext
from tests.browser.conftest import NewContext
from tests.browser.tabs import Tab, open_streams, position_of, until
from tests.parts import Person, ServerProcess

#: What POST may take while six tabs are live; it is some ms where nothing else is at work.
SLOWEST_POST = 5.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests here, each of which has books of its own."""
    with ServerProcess(tmp_path_factory.mktemp("server"), heartbeat_seconds="1") as server:
        yield server


@pytest.fixture(scope="module")
def mina(server: ServerProcess) -> Iterator[Person]:
    """Somebody who writes."""
    with Person(server.url, "mina") as person:
        yield person


@pytest.fixture
def context(new_context: NewContext, server: ServerProcess) -> Iterator[BrowserContext]:
    """A browser of somebody; nobody else is there."""
    context = new_context()
    yield context
    context.close()


def open_tabs(context: BrowserContext, server: ServerProcess, *books: int) -> list[Tab]:
    """Tabs that are live, one for each of the books."""
    tabs = [Tab(context, server.url) for _ in books]
    for tab, book in zip(tabs, books, strict=True):
        tab.watch(book)
    for tab, book in zip(tabs, books, strict=True):
        tab.is_in_state(book, "live")
    return tabs


def only_stream(server: ServerProcess, tab: Tab) -> None:
    """Waits until there is one stream in all."""
    until(tab.page, lambda: open_streams(server) == 1)


def test_one_stream_for_a_book(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """Eight tabs of one book are live by one stream."""
    book = server.add_book()
    tabs = open_tabs(context, server, *[book] * 8)
    mina.post(book, "to all tabs")

    for tab in tabs:
        tab.shows(book, "to all tabs")
    only_stream(server, tabs[0])
    assert [len(tab.streams) for tab in tabs[1:]] == [0] * 7


def test_one_stream_for_six_books(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """Six tabs of six books leave connections over: one of them posts, and is answered."""
    books = [server.add_book() for _ in range(6)]
    tabs = open_tabs(context, server, *books)
    only_stream(server, tabs[0])
    begun = time.monotonic()
    status = tabs[5].page.evaluate(
        """async ([book, token]) => (await fetch("/api/reviews/", {
          method: "POST",
          headers: { "Content-Type": "application/json", "Authorization": `Bearer ${token}` },
          body: JSON.stringify({ book, content: "posted beside" }),
        })).status""",
        [books[0], mina.token],
    )
    seconds = time.monotonic() - begun

    print(f"POST beside six live tabs: {seconds * 1000:.0f} ms")  # noqa: T201
    assert status == 201
    assert seconds < SLOWEST_POST
    tabs[0].shows(books[0], "posted beside")
    for book in books[1:]:
        mina.post(book, f"to {book}")
    for tab, book in list(zip(tabs, books, strict=True))[1:]:
        tab.shows(book, f"to {book}")
