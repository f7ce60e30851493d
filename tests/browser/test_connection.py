"""One tab and its connection: cut, refused, silent, held back, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Route, expect
from tests.browser.conftest import NewContext
from tests.browser.tabs import Tab, position_of, until
from tests.parts import BadGateway, Person, ServerProcess, TCPProxy

README = (Path(__file__).parents[2] / "README.md").read_text()
EXAMPLE_BOOK = 10
NEVER = 600_000
#: Until the tabs of a site hear that its stream had one.
BUSY = 'event: stream.busy\ndata: {"type":"stream.busy"}\n\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests here, each of which has a book of its own."""
    with ServerProcess(tmp_path_factory.mktemp("server"), heartbeat_seconds="1") as server:
        yield server


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    """A browser of somebody."""
    return new_context()


@pytest.fixture
def network(server: ServerProcess) -> Iterator[TCPProxy]:
    """What is between the browser and the server."""
    with TCPProxy(("127.0.0.1", server.port)) as network:
        yield network


def live_tab(
    context: BrowserContext, port: int, book: int, *, with_clock: bool = False, **patience: int
) -> Tab:
    """A tab that is live."""
    tab = Tab(context, f"http://127.0.0.1:{port}", with_clock=with_clock)
    tab.watch(book, patience=patience)
    tab.is_in_state(book, "live")
    return tab


def states_since(tab: Tab, book: int) -> list[str]:
    """In which states it has been since it was live for the first time."""
    states: list[str] = tab.told(book, "states")
    return states[states.index("live") + 1 :]


def test_nothing_works_from_the_beginning(
    context: BrowserContext, network: TCPProxy, server: ServerProcess, book: int
) -> None:
    """Who knows no position yet is told that nothing works, and has it as soon as it does."""
    tab = Tab(context, server.url)
    context.route("**/api/books/**", lambda route: route.abort())
    tab.watch(book, patience={"pause": NEVER, "longest": NEVER})
    tab.is_in_state(book, "reconnecting")

    context.unroute("**/api/books/**")
    tab.hide(back=True)
    tab.is_in_state(book, "live")


def test_offline_from_the_beginning(
    context: BrowserContext, server: ServerProcess, book: int
) -> None:
    """A page that begins offline says so, and begins when it is online."""
    tab = Tab(context, server.url)
    tab.page.evaluate("import('/static/livria-reviews.js').then(() => {})")
    context.set_offline(True)
    tab.watch(book)
    tab.is_in_state(book, "offline")

    context.set_offline(False)
    tab.is_in_state(book, "live")


def test_offline_and_back(
    context: BrowserContext, server: ServerProcess, mina: Person, book: int
) -> None:
    """Offline, nothing is tried; back, the page gets what it lacks at once."""
    tab = live_tab(context, server.port, book, with_clock=True)
    context.set_offline(True)
    tab.is_in_state(book, "offline")
    opened = len(tab.streams)
    mina.post(book, "meanwhile")
    tab.page.clock.run_for(60_000)
    assert len(tab.streams) == opened

    context.set_offline(False)
    tab.shows(book, "meanwhile")
    assert states_since(tab, book) == ["offline", "reconnecting", "live"]


def test_restart(context: BrowserContext, server: ServerProcess, mina: Person, book: int) -> None:
    """When the server is restarted the page comes back by itself, and has what was posted then."""
    mina.post(book, "before")
    tab = live_tab(context, server.port, book, first=NEVER, silence=NEVER)
    position = position_of(mina, book)
    server.stop()
    tab.is_in_state(book, "reconnecting")
    server.start()
    mina.post(book, "meanwhile")

    tab.shows(book, "before", "meanwhile")
    tab.is_in_state(book, "live")
    assert tab.streams[-1].endswith(f"last_event_id={position}")
    assert tab.told(book, "snapshots") == 1


def test_bad_gateway(
    context: BrowserContext, server: ServerProcess, network: TCPProxy, mina: Person, book: int
) -> None:
    """After a proxy has answered for a server that is away, at which EventSource gives up, too."""
    tab = live_tab(context, network.port, book, first=NEVER)
    with BadGateway() as gateway, tab.page.expect_response(lambda answer: answer.status == 502):
        network.lead_to(("127.0.0.1", gateway.port))
    mina.post(book, "meanwhile")
    network.lead_to(("127.0.0.1", server.port))

    tab.shows(book, "meanwhile")
    tab.is_in_state(book, "live")


def test_held_back(context: BrowserContext, network: TCPProxy, mina: Person, book: int) -> None:
    """Behind a proxy that holds streams back the page asks again and again, until it is live."""
    network.hold_replies_to(b"GET /sse/")
    tab = Tab(context, f"http://127.0.0.1:{network.port}")
    tab.watch(book)
    tab.is_in_state(book, "polling")
    mina.post(book, "held back")
    tab.shows(book, "held back")
    until(tab.page, lambda: len(tab.streams) > 1)

    network.let_go()
    tab.is_in_state(book, "live")
    mina.post(book, "let through")
    tab.shows(book, "held back", "let through")
    assert states_since(tab, book) == []


def test_streams_are_refused(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """Where streams are forbidden and the rest is not, the page asks as well: each of its books."""
    books = [server.add_book() for _ in range(3)]
    context.route("**/sse/**", lambda route: route.fulfill(status=403, body="forbidden here"))
    tab = Tab(context, server.url)
    for at, book in enumerate(books):
        tab.watch(book, reading=at == 0)
    tab.is_in_state(books[0], "polling")
    for book in books:
        mina.post(book, "asked for")

    for book in books:
        tab.shows(book, "asked for")


def test_silence(context: BrowserContext, network: TCPProxy, mina: Person, book: int) -> None:
    """A stream in which not even heartbeats come is opened anew."""
    tab = live_tab(context, network.port, book, silence=1_500)
    network.pause()
    tab.is_in_state(book, "reconnecting")
    mina.post(book, "meanwhile")
    network.resume()

    tab.shows(book, "meanwhile")
    tab.is_in_state(book, "live")


def test_silence_is_judged_by_the_interval_of_heartbeats(
    context: BrowserContext, network: TCPProxy, book: int
) -> None:
    """Whoever has heard how often heartbeats come does not wait as long as for the slowest."""
    tab = live_tab(context, network.port, book, with_clock=True, silence=NEVER)
    tab.wait_for_heartbeat(f"http://127.0.0.1:{network.port}")
    network.pause()

    tab.page.clock.run_for(2 * 1_000 + 5_000)
    tab.is_in_state(book, "reconnecting")


def test_a_server_of_another_interval(
    context: BrowserContext, network: TCPProxy, tmp_path: Path
) -> None:
    """A stream is not judged by the interval of the server that was there before."""
    tab = live_tab(context, network.port, EXAMPLE_BOOK, with_clock=True, silence=NEVER)
    tab.wait_for_heartbeat(f"http://127.0.0.1:{network.port}")
    with (
        ServerProcess(tmp_path, heartbeat_seconds="30") as slower,
        Person(slower.url, "mina") as mina,
    ):
        network.lead_to(("127.0.0.1", slower.port))
        until(tab.page, lambda: tab.told(EXAMPLE_BOOK, "snapshots") > 1)
        tab.is_in_state(EXAMPLE_BOOK, "live")
        opened = len(tab.streams)
        tab.page.clock.run_for(2 * 1_000 + 5_000)
        mina.post(EXAMPLE_BOOK, "told")

        tab.shows(EXAMPLE_BOOK, "told")
        assert len(tab.streams) == opened


def test_no_room(context: BrowserContext, server: ServerProcess, mina: Person, book: int) -> None:
    """A server that has no room for a stream is asked for nothing else, and again later."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))

    def turn_away(route: Route) -> None:
        route.fulfill(status=200, content_type="text/event-stream", body=BUSY)

    context.route("**/sse/**", turn_away, times=1)
    tab = Tab(context, server.url)
    tab.watch(book, patience={"busy": 1_500})
    tab.is_in_state(book, "reconnecting")
    tab.is_in_state(book, "live")

    assert not [address for address in asked if "/changes/" in address]
    mina.post(book, "after")
    tab.shows(book, "after")


def test_the_example(context: BrowserContext, server: ServerProcess, mina: Person) -> None:
    """The page in the README works as it is printed there."""
    example = README.split("## In your own front end")[1].split("```")[1].removeprefix("html")
    site = example.replace("https://livria.example", server.url)
    context.route("**/example", lambda route: route.fulfill(content_type="text/html", body=site))
    gone = mina.post(EXAMPLE_BOOK, "gone")["id"]
    mina.post(EXAMPLE_BOOK, "kept")
    page = context.new_page()
    page.goto(f"{server.url}/example")
    expect(page.locator("ol.live li")).to_have_text(["kept", "gone"])

    mina.delete(gone)
    mina.post(EXAMPLE_BOOK, "new")

    expect(page.locator("ol.live li")).to_have_text(["new", "kept"])
