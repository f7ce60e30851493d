"""Real clients, whose server goes away and comes back.

All of them read while the same things happen, so that the server is restarted for all at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import product
from typing import NamedTuple

import pytest

from tests.clients.client import Client
from tests.clients.kinds import KINDS, Kind
from tests.parts import Person, ServerProcess
from tests.waiting import until


class Stream(NamedTuple):
    """What is read, from where nothing had happened yet."""

    books: tuple[int, ...]
    address: str


ONE_BOOK = Stream((2,), "/sse/books/2/?last_event_id={epoch}-0")
SEVERAL = Stream((2, 3), "/sse/books/?book=2&book=3&last_event_id={epoch}-0.0")
Clients = dict[tuple[Kind, Stream], Client]

#: What happens in each book, as it is told to those who miss nothing.
TOLD = [
    ("review.created", "before they came"),
    ("review.created", "while they read"),
    ("review.created", "while the server was away"),
    ("review.created", "when it was back"),
    ("review.updated", "when it was back, edited"),
    ("review.created", "after it was killed"),
]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Clients that were there while it happened, each with what it was told."""
    folder = tmp_path_factory.mktemp("clients")
    with ServerProcess(folder) as server, Person(server.url, "mina") as mina, ExitStack() as stack:
        epoch, _, _ = mina.get("/api/books/2/")["position"].partition("-")
        clients: Clients = {}
        for kind, stream in product(KINDS, [ONE_BOOK, SEVERAL]):
            address = server.url + stream.address.format(epoch=epoch)
            with suppress(pytest.skip.Exception):  # the test of that kind says so
                client = Client(kind(), address, stream.books, folder / f"{len(clients)}.txt")
                clients[kind, stream] = stack.enter_context(client)
        asyncio.run(_happen(server, mina, [*clients.values()]))
        yield clients


async def _happen(server: ServerProcess, mina: Person, present: list[Client]) -> None:
    async def all_know(changes: int) -> None:
        with suppress(TimeoutError):  # whoever does not come is left behind: their test says so
            await until(lambda: all(client.knows(changes) for client in present))
        present[:] = [client for client in present if client.knows(changes)]

    post_in_each(mina, "before they came")
    await all_know(1)
    post_in_each(mina, "while they read")
    await all_know(2)

    server.stop()
    with ServerProcess(server.folder) as other, Person(other.url, "jun") as jun:
        post_in_each(jun, "while the server was away")
        for review in post_in_each(jun, "deleted while it was away"):
            jun.delete(review)
    server.start()
    reviews = post_in_each(mina, "when it was back")
    await all_know(4)
    for review in reviews:
        mina.edit(review, "when it was back, edited")
    await all_know(5)

    server.kill()
    server.start()
    post_in_each(mina, "after it was killed")
    await all_know(6)


def post_in_each(person: Person, content: str) -> list[int]:
    """Posts the same in all books that are read; the ids."""
    return [person.post(book, content)["id"] for book in SEVERAL.books]


@pytest.mark.parametrize("stream", [ONE_BOOK, SEVERAL], ids=["one book", "several"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_repeated(kind: Kind, stream: Stream, clients: Clients) -> None:
    """Whoever asks again from their last id, as they all do, is told of each change once."""
    kind()
    for book in stream.books:
        changes = clients[kind, stream].changes(book)
        assert [(each["type"], each["review"]["content"]) for each in changes] == TOLD
