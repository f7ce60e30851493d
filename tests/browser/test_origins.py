"""Streams in pages of another origin, in a real browser."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page
from tests.browser.conftest import NewContext
from tests.parts import PASSWORD, Person, ServerProcess

BOOKS = range(1, 51)
#: Browsers may ask before they send a longer header (Fetch, "CORS-unsafe request-header names").
LONGEST_UNASKED = 128
#: Keeps in the page what the stream tells it.
FOLLOW = """address => {
    window.told = [];
    window.source = new EventSource(address);
    for (const type of ["stream.ready", "stream.reset", "review.created"]) {
        source.addEventListener(type, (event) => {
            const { book, mode, review } = JSON.parse(event.data);
            told.push([book, review?.content ?? mode]);
            window.lastEventId = event.lastEventId;
        });
    }
}"""
#: Signs up, and posts a review as whoever the browser says it is.
SIGN_UP_AND_POST = """async ([service, username, password]) => {
    const send = (address, body) => fetch(service + address, {
        method: "POST",
        credentials: "include",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
    });
    const signedUp = await send("/api/accounts/signup/", { username, password });
    const posted = await send("/api/reviews/", { book: 1, content: "with a cookie" });
    return [signedUp.status, posted.status];
}"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another site on this machine, with one page that has nothing in it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><link rel=icon href=data:,>")
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://localhost:{site.server_port}"
        site.shutdown()


@pytest.fixture(scope="module")
def server(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that lists that origin, with fifty books in which much has happened."""
    folder = tmp_path_factory.mktemp("origins")
    with ServerProcess(folder, allowed_origins=origin) as server:
        with closing(sqlite3.connect(server.database)) as database, database:
            insert = "INSERT OR IGNORE INTO books (id, title, author, description, cover)"
            database.executemany(f"{insert} VALUES (?, '', '', '', '')", [[book] for book in BOOKS])
            database.execute("UPDATE books SET last_seq = 1000")
        yield server


def told(page: Page, *expected: list[object]) -> None:
    """Waits until the page was told as much since this was asked last: it was just this."""
    page.wait_for_function("number => told.length >= number", arg=len(expected))
    assert page.evaluate("told.splice(0)") == [*expected]


def test_long_ids(
    server: ServerProcess, mina: Person, origin: str, new_context: NewContext
) -> None:
    """A stream of fifty books goes on where it was, with an id too long to be sent unasked."""
    page = new_context().new_page()
    page.goto(origin)
    query = "&".join(f"book={book}" for book in BOOKS)
    page.evaluate(FOLLOW, f"{server.url}/sse/books/?{query}")
    told(page, *([book, "live"] for book in BOOKS))
    mina.post(1, "while it is read")
    told(page, [1, "while it is read"])
    assert len(page.evaluate("lastEventId")) > LONGEST_UNASKED

    server.stop()
    server.start()
    mina.post(max(BOOKS), "while it was away")

    told(page, *([book, "resumed"] for book in BOOKS), [max(BOOKS), "while it was away"])


@pytest.mark.parametrize(("host", "posted"), [("localhost", 201), ("127.0.0.1", 401)])
def test_cookies(
    server: ServerProcess, origin: str, new_context: NewContext, host: str, posted: int
) -> None:
    """The cookie signs a page of another port in, and none of another host, which needs a token."""
    page = new_context().new_page()
    page.goto(origin)
    signing = [f"http://{host}:{server.port}", f"from-{host}", PASSWORD]

    assert page.evaluate(SIGN_UP_AND_POST, signing) == [201, posted]
