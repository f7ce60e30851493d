"""Real clients, whose server goes away and comes back.

All of them read while the same things happen, so that the server is restarted for all at once.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.clients.client import Client
from tests.parts import Person, ServerProcess, installed, missing, node
from tests.waiting import until

BOOK = 2
HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"


def curl() -> list[str]:
    """`curl -N`, and somebody who asks again."""
    if not shutil.which("curl"):
        missing("curl")
    return ["sh", str(PROGRAMS / "with_curl.sh")]


def httpx_sse() -> list[str]:
    """A program in Python."""
    return [sys.executable, str(PROGRAMS / "with_httpx_sse.py")]


def eventsource() -> list[str]:
    """EventSource, for Node.js."""
    installed(HERE)
    return [node(), str(PROGRAMS / "with_eventsource.mjs")]


def fetch_event_source() -> list[str]:
    """What pages use that need headers of their own."""
    installed(HERE)
    return [node(), str(PROGRAMS / "with_fetch_event_source.mjs")]


Kind = Callable[[], list[str]]
KINDS: list[Kind] = [curl, httpx_sse, eventsource, fetch_event_source]

#: What happens in the book, as it is told to those who miss nothing.
TOLD = [
    ("review.created", "before they came"),
    ("review.created", "while they read"),
    ("review.created", "while the server was away"),
    ("review.created", "when it was back"),
    ("review.updated", "when it was back, edited"),
    ("review.created", "after it was killed"),
]


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Kind, Client]]:
    """Clients that were there while it happened, each with what it was told."""
    folder = tmp_path_factory.mktemp("clients")
    with ServerProcess(folder) as server, Person(server.url, "mina") as mina, ExitStack() as stack:
        mina.post(BOOK, "before they came")
        epoch = mina.get(f"/api/books/{BOOK}/")["position"].partition("-")[0]
        address = f"{server.url}/sse/books/{BOOK}/?last_event_id={epoch}-0"
        clients = {}
        for kind in KINDS:
            with suppress(pytest.skip.Exception):  # the test of that kind says so
                client = Client(kind(), address, folder / kind.__name__)
                clients[kind] = stack.enter_context(client)
        asyncio.run(_happen(server, mina, [*clients.values()]))
        yield clients


async def _happen(server: ServerProcess, mina: Person, present: list[Client]) -> None:
    async def all_know(changes: int) -> None:
        with suppress(TimeoutError):  # whoever does not come is left behind: their test says so
            await until(lambda: all(len(client.changes) >= changes for client in present))
        present[:] = [client for client in present if len(client.changes) >= changes]

    await all_know(1)
    mina.post(BOOK, "while they read")
    await all_know(2)

    server.stop()
    _post_elsewhere(server)
    server.start()
    review = mina.post(BOOK, "when it was back")
    await all_know(4)
    mina.edit(review["id"], "when it was back, edited")
    await all_know(5)

    server.kill()
    server.start()
    mina.post(BOOK, "after it was killed")
    await all_know(6)


def _post_elsewhere(server: ServerProcess) -> None:
    """Posts by another server on the same database, and deletes what nobody should be told of."""
    with ServerProcess(server.folder) as other, Person(other.url, "jun") as jun:
        jun.post(BOOK, "while the server was away")
        jun.delete(jun.post(BOOK, "deleted while it was away")["id"])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_or_repeated(kind: Kind, clients: dict[Kind, Client]) -> None:
    """Whoever asks again from their last id, as they all do, is told of each change once."""
    kind()
    changes = clients[kind].changes

    assert [(each["type"], each["review"]["content"]) for each in changes] == TOLD
    assert clients[kind].positions == sorted(set(clients[kind].positions))
