"""A client of other people, which reads a stream as a program of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.parts.part import Part

#: How the lines begin that tell of changes.
CHANGE = 'data: {"type":"review.'


class Client(Part):
    """A program that is given an address, and writes `data:` and the data of each event."""

    def __init__(
        self, command: list[str], address: str, books: tuple[int, ...], output: Path
    ) -> None:
        self.books = books
        self._command = [*command, address]
        self._output = output

    def start(self) -> None:
        """Asks for the stream."""
        with self._output.open("w") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def stop(self) -> None:
        """Ends it, with what it has started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()

    def knows(self, changes: int) -> bool:
        """Whether it was told of as many changes of each book."""
        return all(len(self.changes(book)) >= changes for book in self.books)

    def changes(self, book: int) -> list[Any]:
        """The documents of the changes of a book that it was told, in order."""
        whole, _, _ = self._output.read_text().rpartition("\n")
        told = [line for line in whole.splitlines() if line.startswith(CHANGE)]
        changes = [json.loads(line.removeprefix("data: ")) for line in told]
        return [change for change in changes if change["book"] == book]
