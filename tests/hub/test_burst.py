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


def test_frames_are_counted() -> None:
    """A frame is what an empty line ends, wherever the burst is cut; a comment alone is none."""
    frame = b"event: x\ndata: " + b"x" * (LARGEST_PIECE - 17) + b"\n\n"

    assert Burst(frame).before(b": for people\n").frames == 1
    assert [len(piece) for piece in Burst(frame * 3).pieces][:2] == [LARGEST_PIECE] * 2
    assert Burst(frame * 3).frames == 3


def test_encoded_once() -> None:
    """All readers get the same objects."""
    burst = Burst(DATA)

    assert burst.chunks is burst.chunks
    assert burst.messages is burst.messages
