"""`curl -N`, as people use it to look at a stream."""

from __future__ import annotations

import shutil
import subprocess

from tests.parts.missing import missing
from tests.parts.part import Part
from tests.sse import Event, EventReader


class Curl(Part):
    """`curl -N` on a stream, read until a condition holds."""

    def __init__(
        self, url: str, *headers: str, options: tuple[str, ...] = (), seconds: int = 20
    ) -> None:
        self._url = url
        self._headers = headers
        self._options = (*options, "--max-time", str(seconds))
        self._reader = EventReader()
        self.text = b""
        self.events: list[Event] = []

    def start(self) -> None:
        """Asks for the stream."""
        program = shutil.which("curl") or missing("curl")
        options = [option for header in self._headers for option in ("-H", header)]
        self._process = subprocess.Popen(
            [program, "-sN", "-i", *self._options, *options, self._url],
            stdout=subprocess.PIPE,
        )

    def until(self, last: str) -> list[Event]:
        """Reads until the position is reached and something was said; the events so far."""
        while self._reader.last_event_id != last or not self.events:
            self.read()
        return self.events

    def until_event(self, type_: str) -> list[Event]:
        """Reads until an event of the type has come."""
        while not any(event.type == type_ for event in self.events):
            self.read()
        return self.events

    def read(self) -> None:
        """Waits for the next bytes."""
        assert self._process.stdout
        piece = self._process.stdout.read1()  # type: ignore[attr-defined]
        assert piece, f"the stream ended: {self.text!r}"
        started = b"\r\n\r\n" in self.text
        self.text += piece
        if started:
            self.events += self._reader.feed(piece)
        elif b"\r\n\r\n" in self.text:
            self.events += self._reader.feed(self.text.partition(b"\r\n\r\n")[2])

    @property
    def frames(self) -> str:
        """What came after the head."""
        return self.text.partition(b"\r\n\r\n")[2].decode()

    @property
    def head(self) -> str:
        """The status line and the headers, in lower case."""
        return self.text.partition(b"\r\n\r\n")[0].decode().lower()

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
