"""How streams begin and are turned away; everything that lasts is in `tests/live`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, strategies as st
from limits import parse

from livria_sse.errors import StoreUnavailable, TooManyRequests
from livria_sse.hub import Hub
from livria_sse.log.local import LocalLog
from livria_sse.models import Difference
from livria_sse.settings import Settings
from livria_sse.store import Store
from livria_sse.web.clients import Proxies
from livria_sse.web.origins import Origins
from livria_sse.web.pace import BYTES_OF_AN_ANSWER, Pace
from livria_sse.web.rests import BURST
from livria_sse.web.stream import EventStream, _asked_position, _query
from livria_sse.web.turns import Turns
from livria_sse.web.wariness import Wariness
from tests.factories import add_account, add_book
from tests.hub.readers import stream
from tests.sse import Event, EventReader


class BrokenLog(LocalLog):
    """A log that cannot be read."""

    async def head(self, book_id: int) -> Difference:
        """Fails."""
        raise StoreUnavailable


def scope_of(hub: Hub, book: int, position: str, turns: Turns) -> dict[str, Any]:
    """The scope of a request for a book's stream."""
    return {
        "type": "http",
        "method": "GET",
        "headers": [(b"last-event-id", position.encode())],
        "query_string": b"",
        "path": f"/sse/books/{book}/",
        "state": {"hub": hub, "origins": Origins(()), "turns": turns},
    }


async def answer_of(
    hub: Hub, book: int, position: str = "", *, method: str = "GET"
) -> tuple[dict[str, Any], list[Event]]:
    """The start of an answer that ends by itself, and the events in it."""
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("a stream that is turned away waits for nobody")

    async def send(message: Any) -> None:
        messages.append(message)

    settings = Settings()
    turns = Turns(Pace(settings, Proxies(settings.trusted_proxies), Wariness(settings)))
    scope = {**scope_of(hub, book, position, turns), "method": method}
    await EventStream(scope, [book])(scope, receive, send)
    start, *bodies = messages
    assert not bodies[-1].get("more_body")
    return start, list(EventReader().feed(b"".join(body["body"] for body in bodies)))


async def test_unreadable_logs_are_busy(store: Store) -> None:
    """While nothing can be read a stream is 200 and busy: EventSource comes back."""
    hub = Hub(BrokenLog(store, replay_limit=10), Settings())

    start, (busy,) = await answer_of(hub, 10)

    assert start["status"] == 200
    assert busy.type == "stream.busy"
    assert hub.statistics().books == 0


async def test_draining_servers_say_so(store: Store) -> None:
    """A server that stops sends new readers elsewhere, with status 200."""
    hub = Hub(LocalLog(store, replay_limit=10), Settings())
    await add_book(store)
    await hub.drain()

    start, (closing,) = await answer_of(hub, 10)

    assert start["status"] == 200
    assert closing.type == "stream.closing"


async def test_stopping_servers_read_nothing(store: Store) -> None:
    """A server that stops sends readers away before anything is read for them."""

    class UnreadLog(LocalLog):
        async def head(self, book_id: int) -> Difference:
            raise AssertionError(f"book {book_id} was read")

    hub = Hub(UnreadLog(store, replay_limit=10), Settings())
    hub.stop()

    _, (closing,) = await answer_of(hub, 10)

    assert closing.type == "stream.closing"


async def test_head_has_no_body(store: Store) -> None:
    """HEAD is answered with the headers of a stream and nothing else."""
    hub = Hub(LocalLog(store, replay_limit=10), Settings())
    await add_book(store)

    start, events = await answer_of(hub, 10, method="HEAD")

    assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
    assert events == []


async def test_stopping_while_a_stream_begins(store: Store) -> None:
    """A server that is told to stop while it reads what a reader missed sends them elsewhere."""

    class StoppingLog(LocalLog):
        async def since(self, book_id: int, seq: int, *, known: int | None = None) -> Difference:
            hub.stopping = True
            return await super().since(book_id, seq, known=known)

    hub = Hub(StoppingLog(store, replay_limit=10), Settings())
    book = await add_book(store)
    await store.reviews.create(book, "missed", author=await add_account(store))

    _, (closing,) = await answer_of(hub, book, f"{hub.epoch}-0")

    assert closing.type == "stream.closing"
    assert hub.statistics().streams == 0


async def test_places_taken_meanwhile(store: Store) -> None:
    """Who was admitted, and finds the last place taken when the stream is ready, is sent away."""

    class PopularLog(LocalLog):
        async def since(self, book_id: int, seq: int, *, known: int | None = None) -> Difference:
            hub._admission.begin(stream())
            return await super().since(book_id, seq, known=known)

    hub = Hub(PopularLog(store, replay_limit=10), Settings(max_streams=1))
    book = await add_book(store)
    await store.reviews.create(book, "missed", author=await add_account(store))

    _, (busy,) = await answer_of(hub, book, f"{hub.epoch}-0")

    assert busy.type == "stream.busy"
    assert hub.statistics().refused["streams"] == 1


async def test_replays_count_at_the_pace(store: Store) -> None:
    """Who is told much when they come may come less often: it was read and encoded for them."""
    hub = Hub(LocalLog(store, replay_limit=10), Settings())
    book, author = await add_book(store), await add_account(store)
    for number in range(10):
        await store.reviews.create(book, f"{number} " + "x" * 4_990, author=author)
    slow = Settings(requests_per_address=parse("1/hour"))
    pace = Pace(slow, Proxies(()), Wariness(slow))
    scope = {**scope_of(hub, book, f"{hub.epoch}-0", Turns(pace)), "client": ("192.0.2.1", 1)}

    async def leave() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def take(message: Any) -> None:
        size.append(len(message.get("body", b"")))

    size: list[int] = []
    await EventStream(scope, [book])(scope, leave, take)
    begun = 0
    with suppress(TooManyRequests):
        while True:
            await pace.keep(scope)
            begun += 1

    counted = sum(size) // BYTES_OF_AN_ANSWER
    assert counted == 3
    assert begun == BURST + 1 - counted


async def test_unknown_books_are_404(store: Store) -> None:
    """A book that is not there has no stream, and leaves nothing behind."""
    hub = Hub(LocalLog(store, replay_limit=10), Settings())

    start, events = await answer_of(hub, 10)

    assert start["status"] == 404
    assert events == []
    assert hub.statistics().books == 0


def asking(query: bytes = b"", *headers: tuple[bytes, bytes]) -> Any:
    """The scope of a request, as far as it says where a reader stands."""
    return {"query_string": query, "headers": headers}


def asked_in(scope: Any) -> str | None:
    """Where a reader stands who asks so."""
    return _asked_position(scope, _query(scope))


@given(st.sampled_from(["last_event_id", "lastEventId"]), st.text(st.characters(codec="utf-8")))
def test_positions_in_addresses(name: str, position: str) -> None:
    """What stands in the address under either name is where a reader asks to begin."""
    query = urlencode({"book": "1", name: position}).encode()

    assert asked_in(asking(query)) == (position or None)


@given(st.binary(), st.binary(), st.binary(min_size=1))
def test_headers_come_before_addresses(query: bytes, first: bytes, second: bytes) -> None:
    """Of all that says where a reader stands, the first header that says anything is taken."""
    headers = [(b"last-event-id", first), (b"x", b"y"), (b"last-event-id", second)]

    assert asked_in(asking(query, *headers)) == (first or second).decode("latin-1")


@given(st.binary() | st.binary().map(b"last_event_id=".__add__))
def test_any_query_is_read(query: bytes) -> None:
    """Whatever bytes the address ends in, there is a position in them or none."""
    asked = asked_in(asking(query))

    assert asked is None or asked
