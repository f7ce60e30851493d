"""Attacks on a real server, while somebody reads and somebody writes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.bench.usage import usage_of
from tests.hostile.attacks import ATTACKS, attacked_server
from tests.hostile.visitors import visiting
from tests.hostile.wire import Target
from tests.parts import Person, ServerProcess
from tests.waiting import until

#: Of memory that Python has used and keeps for later.
SPARE_KIB = 16 * 1024
#: What the server says of what is usual.
USUAL = re.compile(
    r"[0-9-]{10} [0-9:,]{12} (INFO livria_sse\."
    r"|WARNING livria_sse\.(hub\.admission: busy|web\.(peers|pace): crowded))"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all attacks."""
    # At the usual pace, 10,000 requests take their time.
    folder = tmp_path_factory.mktemp("server")
    with attacked_server(folder, pace="5000/second") as server:
        yield server


@pytest.fixture(scope="module")
def people(server: ServerProcess) -> Iterator[tuple[Person, Person]]:
    """Somebody who writes, and somebody who means harm."""
    with Person(server.url, "writer") as writer, Person(server.url, "attacker") as attacker:
        yield writer, attacker


@pytest.mark.parametrize("name", ATTACKS)
async def test_attacks_harm_nobody(
    name: str, server: ServerProcess, people: tuple[Person, Person]
) -> None:
    """An attack is refused; others read and write meanwhile; it leaves nothing behind."""
    writer, attacker = people
    before = len(lines_of(server))
    async with visiting(server, writer) as visitors:
        await visitors.post()
        connections, kib = server.connections(), usage_of(server.pid).kib
        async with visitors.going_on():
            await ATTACKS[name](Target(server.port, attacker.token))
        await visitors.post()
        await until(lambda: server.connections() <= connections)

        assert usage_of(server.pid).kib < kib + SPARE_KIB
        assert visitors.reader.closed == 0
        assert set(visitors.accepted) <= set(visitors.reader.replica.reviews.values())
    assert [line for line in lines_of(server)[before:] if not USUAL.match(line)] == []


def lines_of(server: ServerProcess) -> list[str]:
    """The server's log."""
    return server.log.read_text().splitlines()
