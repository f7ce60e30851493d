"""The chunked coding of HTTP bodies, from the reader's side."""

from __future__ import annotations


class Chunks:
    """Undoes the chunked coding (RFC 9112, section 7.1), in pieces of any size."""

    def __init__(self) -> None:
        self._pending = b""
        self._left = 0
        #: Whether the last chunk has come; a proxy may keep the connection.
        self.ended = False

    def feed(self, piece: bytes) -> bytes:
        """The data in a piece."""
        self._pending += piece
        data = b""
        while self._pending:
            if self._left == 0:
                line, end, rest = self._pending.removeprefix(b"\r\n").partition(b"\r\n")
                if not end or not line:
                    break
                self._left, self._pending = int(line, 16), rest
                self.ended = self._left == 0
                continue
            taken, self._pending = self._pending[: self._left], self._pending[self._left :]
            self._left -= len(taken)
            data += taken
        return data
