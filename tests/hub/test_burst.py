"""Bursts, as each way of pushing needs them."""

from __future__ import annotations

from tests.chunks import Chunks

from livria_sse.hub.burst import LARGEST_PIECE, Burst

DATA = bytes(range(256)) * 600


def test_large_bursts_are_cut() -> None:
    """No piece is larger than 64 KiB, and together they are all of it, in both encodings."""
    burst = Burst(DATA)

    bodies = [message["body"] for message in burst.messages]
    assert b"".join(bodies) == DATA
    assert [len(body) for body in bodies] == [LARGEST_PIECE, LARGEST_PIECE, 22528]
    assert all(message["more_body"] for message in burst.messages)
    assert [Chunks().feed(chunk) for chunk in burst.chunks] == bodies


def test_encoded_once() -> None:
    """All readers get the same objects."""
    burst = Burst(DATA)

    assert burst.chunks is burst.chunks
    assert burst.messages is burst.messages
