"""How many read a book, over all processes."""

from __future__ import annotations

from contextlib import ExitStack

from tests.fleet.fleet import Fleet
from tests.parts import Curl, ServerProcess


def test_viewers_of_all_processes(fleet: Fleet) -> None:
    """Each page is told how many read the book at any process; when some leave, that too."""
    book = fleet.new_book()
    with ExitStack() as stack:
        here = stack.enter_context(Curl(_address(fleet.servers[0], book)))
        with Curl(_address(fleet.servers[1], book)) as there:
            _until(here, 2)
            _until(there, 2)
            with Curl(_address(fleet.servers[1], book)):
                _until(here, 3)
        _until(here, 1)


def _address(server: ServerProcess, book: int) -> str:
    return f"{server.url}/sse/books/{book}/"


def _until(curl: Curl, viewers: int) -> None:
    while not _told(curl) or _told(curl)[-1] != viewers:
        curl.read()


def _told(curl: Curl) -> list[int]:
    return [event.json["viewers"] for event in curl.events if event.type == "stream.viewers"]
