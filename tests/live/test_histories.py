"""Random histories: whatever is written, and however readers are cut off, all end up alike."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import given, strategies as st
from tests.chunks import Chunks
from tests.live.conftest import Serve
from tests.parts import Person, ServerProcess
from tests.replica import Replica

#: What a writer does: post, change one of those that are there, or restore one that is hidden.
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["create", "create", "edit", "delete", "hide", "restore"]),
        st.integers(0, 50),
    ),
    max_size=12,
)
#: How many bytes a reader takes before each cut.
CUTS = st.lists(st.integers(0, 2_000), max_size=6)


@dataclass
class Book:
    """A book under test, and what was ever written on its page."""

    id: int
    #: Reviews that are there, and the text that each has.
    present: dict[int, str] = field(default_factory=dict)
    #: Those that are hidden.
    hidden: dict[int, str] = field(default_factory=dict)
    #: Texts that were deleted or edited away, and whose answer has come.
    gone: set[str] = field(default_factory=set)
    texts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_text(self) -> str:
        """A text that nobody wrote before."""
        return f"<text {next(self.texts)}>"


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, serve: Serve
) -> Iterator[tuple[ServerProcess, Person]]:
    """A server, and somebody who may write."""
    with (
        serve(tmp_path_factory.mktemp("library"), heartbeat_seconds="1") as server,
        Person(server.url, "mina") as mina,
    ):
        server.make_staff("mina")
        yield server, mina


@pytest.mark.timeout(1_800)  # the long suite plays hundreds of them
@given(
    writers=st.lists(OPERATIONS, min_size=1, max_size=3),
    readers=st.lists(CUTS, min_size=1, max_size=4),
)
def test_all_readers_end_alike(
    library: tuple[ServerProcess, Person],
    writers: list[list[tuple[str, int]]],
    readers: list[list[int]],
) -> None:
    """Every reader's set equals SQL's; what was deleted is not sent again; ids never go back."""
    server, mina = library
    book = Book(server.add_book())
    replicas = asyncio.run(_play(server, mina.token, book, writers, readers))

    expected = _reviews_in_sql(server, book.id)
    for replica in replicas:
        assert replica.reviews == expected
        assert replica.review_count in {len(expected), None}  # None: nothing was ever told
        seqs = [int(last.partition("-")[2]) for last in replica.ids]
        assert seqs == sorted(seqs)
        assert replica.resets == 0


async def _play(
    server: ServerProcess,
    token: str,
    book: Book,
    writers: list[list[tuple[str, int]]],
    readers: list[list[int]],
) -> list[Replica]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=30) as client:
        start = (await client.get(f"/api/books/{book.id}/")).json()["position"]
        replicas = [Replica() for _ in readers]
        for replica in replicas:
            replica.last_event_id = start
        async with asyncio.TaskGroup() as group:
            for operations in writers:
                group.create_task(_write(client, book, operations))
            for replica, cuts in zip(replicas, readers, strict=True):
                group.create_task(_read_with_cuts(server.port, book, replica, cuts))
        head = (await client.get(f"/api/books/{book.id}/")).json()["position"]
        for replica in replicas:
            await _read(server.port, book, replica, until=head)
        return replicas


async def _write(client: httpx.AsyncClient, book: Book, operations: list[tuple[str, int]]) -> None:
    for operation, choice in operations:
        if operation == "restore":
            await _restore(client, book, choice)
        elif operation == "create" or not book.present:
            await _create(client, book)
        else:
            review, text = list(book.present.items())[choice % len(book.present)]
            await CHANGES[operation](client, book, review, text)


async def _create(client: httpx.AsyncClient, book: Book) -> None:
    text = book.new_text()
    answer = await client.post("/api/reviews/", json={"book": book.id, "content": text})
    assert answer.status_code == 201
    book.present[answer.json()["id"]] = text


async def _edit(client: httpx.AsyncClient, book: Book, review: int, text: str) -> None:
    new = book.new_text()
    answer = await client.patch(f"/api/reviews/{review}/", json={"content": new})
    assert answer.status_code in {200, 404}  # 404: the other writer was first
    if answer.status_code == 200 and book.present.get(review) == text:
        book.present[review] = new
        book.gone.add(text)


async def _delete(client: httpx.AsyncClient, book: Book, review: int, text: str) -> None:
    answer = await client.delete(f"/api/reviews/{review}/")
    assert answer.status_code in {204, 404}
    if answer.status_code == 204:
        book.gone.add(book.present.pop(review, text))
        book.gone.add(text)


async def _hide(client: httpx.AsyncClient, book: Book, review: int, _text: str) -> None:
    answer = await client.post(f"/api/reviews/{review}/hide/")
    assert answer.status_code in {204, 404}
    if answer.status_code == 204 and review in book.present:
        book.hidden[review] = book.present.pop(review)


CHANGES = {"edit": _edit, "delete": _delete, "hide": _hide}


async def _restore(client: httpx.AsyncClient, book: Book, choice: int) -> None:
    if book.hidden:
        review, text = list(book.hidden.items())[choice % len(book.hidden)]
        answer = await client.post(f"/api/reviews/{review}/restore/")
        assert answer.status_code in {204, 404}
        if book.hidden.pop(review, None) and answer.status_code == 204:
            book.present[review] = text


async def _read_with_cuts(port: int, book: Book, replica: Replica, cuts: list[int]) -> None:
    for cut in cuts:
        await _read(port, book, replica, size=cut)


async def _read(
    port: int, book: Book, replica: Replica, *, size: int | None = None, until: str | None = None
) -> None:
    """Connects from where the replica stands; leaves after so many bytes, or at a position."""
    gone = set(book.gone)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET /sse/books/{book.id}/ HTTP/1.1\r\nHost: x\r\n"
    writer.write(f"{request}Last-Event-ID: {replica.last_event_id}\r\n\r\n".encode())
    replica.connected()
    chunks = Chunks()
    received = b""
    await reader.readuntil(b"\r\n\r\n")
    while replica.last_event_id != until and (size is None or size > 0):
        piece = await reader.read(min(size or 4096, 4096))
        size = size - len(piece) if size is not None else None
        data = chunks.feed(piece)
        received += data
        replica.feed(data)
        if size is not None and b"stream.heartbeat" in received:
            break  # nothing more happens before the others have done what they do
    writer.close()
    for text in gone:
        assert text.encode() not in received


def _reviews_in_sql(server: ServerProcess, book_id: int) -> dict[int, str]:
    with closing(sqlite3.connect(server.database)) as database:
        return dict(
            database.execute(
                "SELECT id, content FROM reviews WHERE book_id = ? AND content IS NOT NULL",
                [book_id],
            )
        )
