"""Bursts: frames that are written together, encoded once for all readers of a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

#: No piece is larger, so that a server's buffer for one reader stays bounded.
LARGEST_PIECE = 64 * 1024
#: What ends a frame: an empty line (WHATWG HTML, section 9.2.6).
END_OF_FRAME = b"\n\n"

#: What an ASGI server sends. One message, once made, is sent to every subscriber and not changed.
Message = Mapping[str, Any]


class Burst:
    """Some frames, in pieces of at most 64 KiB, as each way of pushing needs them."""

    def __init__(self, data: bytes) -> None:
        #: How many frames there are.
        self.frames = data.count(END_OF_FRAME)
        #: These, in plain bytes.
        self.pieces = tuple(
            data[start : start + LARGEST_PIECE] for start in range(0, len(data), LARGEST_PIECE)
        )

    @property
    def data(self) -> bytes:
        """The frames, as they were given."""
        return b"".join(self.pieces)

    @property
    def size(self) -> int:
        """How many bytes the frames have."""
        return sum(map(len, self.pieces))

    def before(self, data: bytes) -> Burst:
        """The same frames in front of something else."""
        return Burst(self.data + data)

    def behind(self, data: bytes) -> Burst:
        """The same frames behind something else."""
        return Burst(data + self.data)

    @cached_property
    def chunks(self) -> tuple[bytes, ...]:
        """The pieces in the chunked coding of HTTP/1.1 (RFC 9112, section 7.1)."""
        return tuple(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in self.pieces)

    @cached_property
    def chunk(self) -> bytes | None:
        """The only chunk, if there is but one."""
        return self.chunks[0] if len(self.chunks) == 1 else None

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """The pieces as ASGI messages of a response that goes on."""
        return tuple(
            {"type": "http.response.body", "body": piece, "more_body": True}
            for piece in self.pieces
        )
