"""Tabs that a browser freezes, as it does with those that nobody has looked at for long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.browser.conftest import ARGUMENTS, chromium_path
from tests.browser.tabs import Follower, open_streams, until
from tests.parts import Chromium, ChromiumTab, Person, ServerProcess

NEVER = 600_000
#: A hidden tab stays, and one that does not answer is waited for.
PATIENT = {"hidden": NEVER, "answer": NEVER, "silence": NEVER}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests here, each of which has a book of its own."""
    with ServerProcess(tmp_path_factory.mktemp("server"), heartbeat_seconds="1") as server:
        yield server


@pytest.fixture
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A browser in which tabs can be frozen."""
    folder = tmp_path_factory.mktemp("chromium")
    with Chromium(chromium_path(), folder, ARGUMENTS) as chromium:
        yield chromium


def open_tab(chromium: Chromium, server: ServerProcess, book: int) -> tuple[ChromiumTab, Follower]:
    """A tab that is live, and what it follows; the first of a browser leads."""
    tab = chromium.open(f"{server.url}/healthz")
    follower = Follower(tab)
    follower.watch(book, patience=PATIENT)
    follower.is_in_state(book, "live")
    return tab, follower


@pytest.mark.parametrize("frozen", [0, 1], ids=["leader", "follower"])
def test_frozen_and_thawed(
    chromium: Chromium, server: ServerProcess, mina: Person, frozen: int
) -> None:
    """A tab that was frozen gets what it lacks when it is thawed; the other goes on meanwhile."""
    book = server.add_book()
    opened = [open_tab(chromium, server, book) for _ in range(2)]
    (tab, thawed), (other, seen) = opened[frozen], opened[1 - frozen]
    other.show()
    tab.set_life("frozen")
    for number in range(3):
        mina.post(book, f"meanwhile {number}")
    seen.shows(book, "meanwhile 0", "meanwhile 1", "meanwhile 2")
    assert thawed.texts(book) == []

    tab.set_life("active")

    thawed.shows(book, "meanwhile 0", "meanwhile 1", "meanwhile 2")
    until(other, lambda: open_streams(server) == 1)
