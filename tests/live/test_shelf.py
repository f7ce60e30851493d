"""Several books on one stream, from real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.live.conftest import Serve
from tests.parts import Curl, Person, ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Iterator[ServerProcess]:
    """One server for all streams here."""
    with serve(tmp_path_factory.mktemp("server")) as server:
        yield server


def address(server: ServerProcess, *books: int) -> str:
    """Of the stream of some books."""
    return f"{server.url}/sse/books/?{'&'.join(f'book={book}' for book in books)}"


def test_many_books_on_one_stream(server: ServerProcess, mina: Person) -> None:
    """Fifty books come on one stream, and whoever comes back with its last id misses nothing."""
    books = [server.add_book() for _ in range(50)]
    with Curl(address(server, *books)) as stream:
        stream.until_event("stream.ready")
        first = mina.post(books[7], "live")["position"]
        *_, created = stream.until_event("review.created")
    mina.post(books[0], "meanwhile")
    mina.post(books[49], "meanwhile, too")

    with Curl(address(server, *books), f"Last-Event-ID: {created.last_event_id}") as stream:
        events = stream.until(_at(first, {0: 1, 7: 1, 49: 1}))

    assert created.last_event_id == _at(first, {7: 1})
    assert [event.type for event in events[:-2]] == ["stream.ready"] * 50
    assert {event.json["mode"] for event in events[:-2]} == {"resumed"}
    assert [event.json["book"] for event in events[-2:]] == [books[0], books[49]]


def _at(position: str, changed: dict[int, int]) -> str:
    """The id of fifty books of which some have changed."""
    epoch, _, _ = position.partition("-")
    return f"{epoch}-{'.'.join(str(changed.get(place, 0)) for place in range(50))}"


def test_bytes_of_several_books(server: ServerProcess, mina: Person) -> None:
    """The opening of several books is one: only its end has an id and says when to come back."""
    one, two = server.add_book(), server.add_book()
    epoch = mina.post(two, "first")["position"].partition("-")[0]
    with Curl(address(server, one, two) + f"&last_event_id={epoch}-0.x") as stream:
        stream.until(f"{epoch}-0.1")

    lines = stream.frames.splitlines()
    assert [line for line in lines if line.startswith(":")] == [
        f": livria-sse book={one} from={epoch}-0 head={epoch}-0 mode=resumed",
        f": livria-sse book={two} from=- head={epoch}-1 mode=reset",
    ]
    assert [line for line in lines if line.startswith(("event:", "id:"))] == [
        "event: stream.ready",
        "event: stream.ready",
        "event: stream.reset",
        f"id: {epoch}-0.1",
    ]
    assert lines[-2].startswith("retry: ")


def test_a_restart_in_between(tmp_path: Path, serve: Serve) -> None:
    """The id of several books is good for the next server, too."""
    with serve(tmp_path) as server, Person(server.url, "mina") as mina:
        standing = mina.post(10, "before")["position"] + ".0"
        with Curl(address(server, 10, 11)) as stream:
            assert stream.until(standing)
    with serve(tmp_path) as server, Person(server.url, "jun") as jun:
        after = jun.post(11, "after")["position"]
        with Curl(address(server, 10, 11), f"Last-Event-ID: {standing}") as stream:
            *_, created = stream.until_event("review.created")

    assert (created.json["review"]["content"], created.json["position"]) == ("after", after)
    assert created.last_event_id == standing.removesuffix("0") + "1"
