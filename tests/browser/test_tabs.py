"""The tabs of one browser: one stream for all, and nothing lost when it changes hands."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Route
from tests.browser.conftest import NewContext
from tests.browser.tabs import IMPATIENT, Tab, open_streams, position_of, until
from tests.parts import Person, ServerProcess, TCPProxy

#: What POST may take while six tabs are live: the fastest of some, as the machine may be at work.
SLOWEST_POST, POSTS = 0.3, 5
NEVER = 600_000
#: Until that is answered, the page does nothing at all.
HANG = """
setTimeout(() => {
  const request = new XMLHttpRequest();
  request.open("GET", "/hang", false);
  request.send();
})
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests here, each of which has books of its own."""
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, heartbeat_seconds="1", viewers="on") as server:
        yield server


@pytest.fixture
def context(new_context: NewContext, server: ServerProcess) -> Iterator[BrowserContext]:
    """A browser of somebody; nobody else is there."""
    context = new_context()
    yield context
    context.close()


def open_tabs(
    context: BrowserContext,
    server: ServerProcess,
    *books: int,
    with_clock: bool = False,
    **patience: int,
) -> list[Tab]:
    """Tabs that are live, one for each of the books."""
    tabs = [Tab(context, server.url, with_clock=with_clock) for _ in books]
    for tab, book in zip(tabs, books, strict=True):
        tab.watch(book, patience=patience)
    for tab, book in zip(tabs, books, strict=True):
        tab.is_in_state(book, "live")
    return tabs


def follow(tab: Tab, *books: int, **options: Any) -> None:
    """Follows several books in a tab."""
    for book in books:
        tab.watch(book, **options)


def only_stream(server: ServerProcess, tab: Tab) -> None:
    """Waits until there is one stream in all."""
    until(tab.page, lambda: open_streams(server) == 1)


def posted_in_time(tab: Tab, book: int, author: Person) -> list[str]:
    """What was posted from a tab, whose requests have not waited behind streams."""
    posted = [f"posted beside, {number}" for number in range(POSTS)]
    seconds = []
    for content in posted:
        begun = time.monotonic()
        status = tab.page.evaluate(
            """async ([book, token, content]) => (await fetch("/api/reviews/", {
              method: "POST",
              headers: { "Content-Type": "application/json", "Authorization": `Bearer ${token}` },
              body: JSON.stringify({ book, content }),
            })).status""",
            [book, author.token, content],
        )
        seconds.append(time.monotonic() - begun)
        assert status == 201

    print(f"POST beside live tabs: {min(seconds) * 1000:.0f} ms")  # noqa: T201
    assert min(seconds) < SLOWEST_POST
    return posted


def test_one_stream_for_a_book(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """Eight tabs of one book are live by one stream."""
    book = server.add_book()
    tabs = open_tabs(context, server, *[book] * 8)
    mina.post(book, "to all tabs")

    for tab in tabs:
        tab.shows(book, "to all tabs")
    only_stream(server, tabs[0])
    assert [len(tab.streams) for tab in tabs[1:]] == [0] * 7
    posted = posted_in_time(tabs[5], book, mina)
    for tab in tabs:
        tab.shows(book, "to all tabs", *posted)


def test_one_stream_for_six_books(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """Six tabs of six books leave connections over: one of them posts, and is answered."""
    books = [server.add_book() for _ in range(6)]
    tabs = open_tabs(context, server, *books)
    only_stream(server, tabs[0])
    posted = posted_in_time(tabs[5], books[0], mina)
    tabs[0].shows(books[0], *posted)
    for book in books[1:]:
        mina.post(book, f"to {book}")
    for tab, book in list(zip(tabs, books, strict=True))[1:]:
        tab.shows(book, f"to {book}")


def test_a_page_of_several_books(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """One page follows many books on one stream, those first that are read; one can be closed."""
    read, listed, closed = books = [server.add_book() for _ in range(3)]
    [tab] = open_tabs(context, server, read)
    for book in books[1:]:
        tab.watch(book, reading=False)
    for book in books[1:]:
        tab.is_in_state(book, "live")
    assert f"?book={read}&book={listed}&book={closed}&reading={read}&" in tab.streams[-1]

    tab.close(closed)
    until(tab.page, lambda: f"book={closed}" not in tab.streams[-1])
    for book in books:
        mina.post(book, "new")
    tab.shows(read, "new")
    tab.shows(listed, "new")
    assert tab.texts(closed) == []


def test_more_books_than_a_stream_has(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """Of more than fifty books, those come first that somebody reads; the others are asked for."""
    books = [server.add_book() for _ in range(51)]
    position = position_of(mina, books[0])
    tab = Tab(context, server.url)
    follow(tab, *books[:-1], position=position, reading=False)
    follow(tab, books[-1], position=position)
    tab.is_in_state(books[-1], "live")
    tab.is_in_state(books[-2], "polling")
    mina.post(books[-1], "to who reads")
    mina.post(books[-2], "asked for")

    tab.shows(books[-1], "to who reads")
    tab.shows(books[-2], "asked for")
    followed = parse_qs(urlsplit(tab.streams[-1]).query)
    assert followed["book"] == [str(book) for book in [books[-1], *books[:49]]]
    assert followed["reading"] == [str(books[-1])]
    opened, another = len(tab.streams), server.add_book()
    tab.watch(another, position=position, reading=False)
    tab.is_in_state(another, "polling")
    assert len(tab.streams) == opened
    tab.close(books[0])
    tab.is_in_state(books[-2], "live")
    mina.post(books[-2], "told")
    tab.shows(books[-2], "asked for", "told")


def read_too_many(
    context: BrowserContext, server: ServerProcess, reader: Person
) -> tuple[Tab, list[int]]:
    """A tab in which one book more is read than a stream has, the last of these."""
    books = [server.add_book() for _ in range(51)]
    tab = Tab(context, server.url)
    follow(tab, *books, position=position_of(reader, books[0]))
    tab.is_in_state(books[0], "live")
    tab.is_in_state(books[-1], "polling")
    return tab, books


def test_more_books_are_read_than_a_stream_has(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """Of more than fifty books that are all read, fifty are live, and one is asked for."""
    tab, books = read_too_many(context, server, mina)
    for book in (books[0], books[-1]):
        mina.post(book, "new")

    tab.shows(books[0], "new")
    tab.shows(books[-1], "new")
    context.route("**/api/books/changes/**", lambda route: route.abort())
    tab.is_in_state(books[-1], "reconnecting")
    context.unroute("**/api/books/changes/**")
    tab.is_in_state(books[-1], "polling")
    tab.is_in_state(books[0], "live")


def test_answers_that_come_offline(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """A question that fails after the browser has gone offline says nothing any more."""
    tab, books = read_too_many(context, server, mina)
    held: list[Route] = []
    context.route("**/api/books/changes/**", lambda route: held.append(route))
    until(tab.page, lambda: bool(held))
    context.set_offline(True)
    tab.is_in_state(books[0], "offline")
    held[0].abort()
    tab.page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")

    for book in (books[0], books[-1]):
        assert tab.told(book, "state") == "offline"


def test_viewers(context: BrowserContext, server: ServerProcess, new_context: NewContext) -> None:
    """All tabs are told how many people read a book, a new one at once; who lists it is none."""
    book = server.add_book()
    tabs = open_tabs(context, server, book, book)
    somebody, passer_by = Tab(new_context(), server.url), Tab(new_context(), server.url)
    somebody.watch(book)
    passer_by.watch(book, reading=False)
    for tab in (*tabs, somebody):
        tab.is_told(book, "viewers", 2)

    late = Tab(context, server.url)
    late.watch(book)
    late.is_told(book, "viewers", 2)
    assert passer_by.told(book, "viewers") is None


@pytest.mark.parametrize("leaves", ["the leader", "another"])
def test_who_is_closed_views_nothing(
    tmp_path: Path, context: BrowserContext, new_context: NewContext, leaves: str
) -> None:
    """A tab that is closed does not come back while it ends: it counts as a viewer no more."""
    closed = 0 if leaves == "the leader" else 1
    # Nobody is forgotten because of heartbeats that they do not answer.
    with ServerProcess(tmp_path, heartbeat_seconds="30", viewers="on") as server:
        books = [server.add_book(), server.add_book()]
        tabs = [tab for book in books for tab in open_tabs(context, server, book, silence=NEVER)]
        (elsewhere,) = open_tabs(new_context(), server, books[closed], silence=NEVER)
        elsewhere.is_told(books[closed], "viewers", 2)

        tabs[closed].page.close()

        elsewhere.is_told(books[closed], "viewers", 1)


def test_the_leader_is_closed(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """When the tab that holds the stream is closed another takes over, and nothing is lost."""
    book = server.add_book()
    leader, *others = open_tabs(context, server, *[book] * 3, answer=NEVER)
    mina.post(book, "before")
    for tab in others:
        tab.shows(book, "before")

    leader.page.close()
    mina.post(book, "while nobody leads")

    for tab in others:
        tab.shows(book, "before", "while nobody leads")
        assert tab.told(book, "states") == ["connecting", "live"]
    only_stream(server, others[0])


def test_the_leader_crashes(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """The same when its process dies, without a word."""
    book = server.add_book()
    leader, *others = open_tabs(context, server, *[book] * 3, answer=NEVER)

    leader.crash()
    mina.post(book, "while nobody leads")

    for tab in others:
        tab.shows(book, "while nobody leads")
    only_stream(server, others[0])


@pytest.mark.parametrize("reviews", [40, pytest.param(400, marks=pytest.mark.long)])
def test_leaders_come_and_go_in_a_hail_of_reviews(
    context: BrowserContext, server: ServerProcess, mina: Person, reviews: int
) -> None:
    """While reviews come, change and go, so do tabs and their connections: each ends up right."""
    book = server.add_book()
    start = position_of(mina, book)
    choose = random.Random(reviews)  # noqa: S311
    kept: dict[int, str] = {}
    tabs: list[Tab] = []
    with TCPProxy(("127.0.0.1", server.port)) as network:
        for number in range(reviews):
            if number % 8 == 0:  # the first is the leader
                tabs.append(Tab(context, f"http://127.0.0.1:{network.port}"))
                tabs[-1].watch(book, position=choose.choice([start, None]))
            kept[mina.post(book, f"{number}")["id"]] = f"{number}"
            edited = choose.choice(list(kept))
            mina.edit(edited, kept[edited] + ".")
            kept[edited] += "."
            if number % 2:
                deleted = choose.choice(list(kept)[-3:])
                mina.delete(deleted)
                del kept[deleted]
            if number % 10 == 5:
                network.lead_to(("127.0.0.1", server.port))
            if len(tabs) > 3:
                tabs.pop(0).page.close()

        for tab in tabs:
            tab.shows(book, *kept.values())
            assert tab.told(book, "count") == len(kept)


def test_a_leader_that_does_not_answer(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """A leader that hangs is replaced, and gives way when it is back."""
    book = server.add_book()
    leader, other = open_tabs(context, server, book, book, silence=1_500)
    held: list[Route] = []
    leader.page.route("**/hang", lambda route: held.append(route))
    leader.page.evaluate(HANG)
    until(other.page, lambda: bool(held))
    mina.post(book, "meanwhile")
    other.shows(book, "meanwhile")
    assert other.streams

    held[0].fulfill()
    mina.post(book, "after")
    for tab in (leader, other):
        tab.shows(book, "meanwhile", "after")
    only_stream(server, other)


def test_a_leader_is_waited_for_by_the_interval_of_heartbeats(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """Tabs that have heard how often heartbeats come wait for a leader no longer than that."""
    book = server.add_book()
    leader, other = open_tabs(context, server, book, book, with_clock=True, silence=NEVER)
    other.wait_for_heartbeat(server.url)
    leader.page.evaluate("BroadcastChannel.prototype.postMessage = () => {}")
    mina.post(book, "meanwhile")
    leader.shows(book, "meanwhile")
    assert other.texts(book) == []

    other.page.clock.run_for(2 * 1_000 + 5_000)
    other.shows(book, "meanwhile")
    assert other.streams


@pytest.mark.parametrize("away", ["hidden", "left"])
def test_nobody_looks(
    context: BrowserContext, server: ServerProcess, mina: Person, away: str
) -> None:
    """A page that nobody sees for long has no stream; seen again, it has all that it lacked."""
    book = server.add_book()
    [tab] = open_tabs(context, server, book)
    mina.post(book, "seen")
    tab.shows(book, "seen")

    go = tab.hide if away == "hidden" else tab.leave
    go()
    until(tab.page, lambda: open_streams(server) == 0)
    mina.post(book, "unseen")
    go(back=True)

    tab.shows(book, "seen", "unseen")
    assert tab.told(book, "states") == ["connecting", "live", "reconnecting", "live"]
    assert tab.told(book, "snapshots") == 1


def test_short_looks_away(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """Who comes back soon finds the stream as it was."""
    book = server.add_book()
    [tab] = open_tabs(context, server, book, with_clock=True)
    opened = len(tab.streams)

    tab.hide()
    tab.hide(back=True)
    tab.page.clock.run_for(2 * IMPATIENT["hidden"])
    mina.post(book, "to who came back")

    tab.shows(book, "to who came back")
    assert len(tab.streams) == opened
    assert tab.told(book, "states") == ["connecting", "live"]


def test_a_leader_that_nobody_sees(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """The stream is handed over to a tab that is seen, since what is hidden may be frozen."""
    book = server.add_book()
    leader, other = open_tabs(context, server, book, book)

    leader.hide()
    until(other.page, lambda: len(other.streams) > 0)
    mina.post(book, "to who looks")

    other.shows(book, "to who looks")
    only_stream(server, other)


@pytest.mark.parametrize(
    "missing", ["delete Navigator.prototype.locks", "delete window.BroadcastChannel"]
)
def test_without_locks_or_channels(
    context: BrowserContext, server: ServerProcess, mina: Person, missing: str
) -> None:
    """Where a browser lacks either, each tab has a stream of its own."""
    context.add_init_script(missing)
    book = server.add_book()
    tabs = open_tabs(context, server, book, book)
    assert open_streams(server) == 2
    mina.post(book, "to each")

    for tab in tabs:
        tab.shows(book, "to each")


def test_positions_that_differ(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """A tab whose page is older than the others is told what it lacks, and nothing twice."""
    book = server.add_book()
    start = position_of(mina, book)
    gone = mina.post(book, "gone")["id"]
    before = position_of(mina, book)
    mina.post(book, "kept")
    mina.delete(gone)
    [leader] = open_tabs(context, server, book)
    late = [Tab(context, server.url) for _ in range(2)]
    late[0].watch(book, position=start)
    late[1].watch(book, position=before)
    for tab in late:
        tab.shows(book, "kept")
    mina.post(book, "after")

    for tab in (leader, *late):
        tab.shows(book, "kept", "after")
    assert [tab.told(book, "snapshots") for tab in late] == [0, 0]


def test_differences_from_elsewhere(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """What is told from another position is not taken for the whole: a deletion may be left out."""
    book = server.add_book()
    held: list[Route] = []
    context.route("**/sse/**", lambda route: held.append(route))
    leader, other = Tab(context, server.url), Tab(context, server.url)
    leader.watch(book, position=position_of(mina, book), patience={"first": NEVER})
    until(leader.page, lambda: bool(held))
    gone = mina.post(book, "gone")["id"]
    mina.post(book, "kept")
    other.watch(book)
    other.shows(book, "gone", "kept")

    mina.delete(gone)  # the stream will tell neither of its coming nor of its going
    mina.post(book, "new")
    held[0].continue_()

    for tab in (leader, other):
        tab.shows(book, "kept", "new")


def test_what_comes_while_a_tab_asks(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """Changes that overtake the answer wait for it, and are not asked for once more."""
    book = server.add_book()
    start = position_of(mina, book)
    mina.post(book, "lacking")
    [leader] = open_tabs(context, server, book)
    late = Tab(context, server.url)
    answers: list[tuple[Route, APIResponse]] = []
    late.page.route("**/changes/**", lambda route: answers.append((route, route.fetch())))
    late.watch(book, position=start)
    until(late.page, lambda: bool(answers))
    mina.post(book, "overtaking")
    leader.shows(book, "lacking", "overtaking")

    [(route, answer)] = answers
    route.fulfill(response=answer)
    late.shows(book, "lacking", "overtaking")
    assert len(answers) == 1


def test_of_another_life(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """A position that means nothing here leads to the book itself, beside tabs that are right."""
    book = server.add_book()
    mina.post(book, "first")
    [leader] = open_tabs(context, server, book)
    lost = Tab(context, server.url)
    lost.watch(book, position="zzzzz-7")
    lost.is_in_state(book, "live")
    mina.post(book, "second")

    for tab in (leader, lost):
        tab.shows(book, "first", "second")
        assert tab.told(book, "snapshots") == 1


def test_a_book_that_is_none(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """A page of a book that there is not is told so, and keeps nobody from being live."""
    book = server.add_book()
    [leader] = open_tabs(context, server, book)
    lost = Tab(context, server.url)
    lost.watch(book + 100_000, position=position_of(mina, book))
    lost.watch(book + 100_001)
    until(leader.page, lambda: len(leader.streams) > 1)
    lost.is_in_state(book + 100_000, "unknown")
    lost.is_in_state(book + 100_001, "unknown")
    mina.post(book, "to who reads")

    leader.shows(book, "to who reads")
    until(leader.page, lambda: f"book={book + 100_000}" not in leader.streams[-1])
    leader.is_in_state(book, "live")


def test_a_book_that_comes_to_be(
    context: BrowserContext, server: ServerProcess, mina: Person
) -> None:
    """A book that was none is followed as soon as a page of it is opened after it is there."""
    known = server.add_book()
    open_tabs(context, server, known)
    position, coming = position_of(mina, known), known + 1
    early = Tab(context, server.url)
    early.watch(coming, position=position)
    early.is_in_state(coming, "unknown")
    assert server.add_book() == coming
    late = Tab(context, server.url)
    late.watch(coming, position=position)

    for tab in (early, late):
        tab.is_in_state(coming, "live")
    mina.post(coming, "new")
    for tab in (early, late):
        tab.shows(coming, "new")
