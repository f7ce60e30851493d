"""Real clients that are cut off in the middle of an event."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest

from livria_sse import frames
from livria_sse.models import Position
from tests.clients.client import Client
from tests.clients.kinds import KINDS, Kind
from tests.factories import make_difference, make_review
from tests.waiting import until

EPOCH = "k7q2m"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
BEFORE, AFTER = Position(EPOCH, 41), Position(EPOCH, 42)
OPENING = frames.opening(10, mode="resumed", position=BEFORE, head=AFTER, review_count=1)
SOON = b"retry: 20\n\n"
CREATED = frames.difference_frames(
    make_difference(make_review(book_id=10, created_seq=42), after=41), EPOCH
)


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_cut_in_two(kind: Kind, tmp_path: Path) -> None:
    """Whoever got half of an event asks from before it, and is told of it once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with Client(kind(), address, (10,), tmp_path / "told.txt") as client:
            _answer(server, OPENING + SOON + CREATED.partition(b"data:")[0])
            asked = _answer(server, OPENING + SOON + CREATED)
            asyncio.run(until(lambda: client.knows(1)))

    assert asked == str(BEFORE)
    assert len(client.changes(10)) == 1


def _answer(server: socket.socket, stream: bytes) -> str:
    """Answers the next request with a stream that ends; the id that it asks from."""
    connection, _ = server.accept()
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        connection.sendall(HEAD + stream)
    found = re.search(r"^last-event-id: (.*)\r$", request.decode(), re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""
