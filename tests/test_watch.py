"""A stream in the terminal, of a real server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from httpx_sse import ServerSentEvent

from livria_sse.watch import line_of
from tests.parts import Person, ServerProcess

CLOCK = re.compile(r"^\d\d:\d\d:\d\d  ", re.MULTILINE)


class Terminal:
    """What the command has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.text = ""

    def until(self, said: str) -> str:
        """Reads until something was said; everything so far."""
        assert self._process.stdout
        while said not in self.text:
            line = self._process.stdout.readline()
            assert line, f"it ended: {self.text}"
            self.text += line
        return self.text

    def interrupt(self) -> int:
        """Presses Ctrl-C; the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(20)


@contextmanager
def watching(*options: str, encoding: str = "utf-8") -> Iterator[Terminal]:
    """Runs the command."""
    command = [sys.executable, "-u", "-m", "livria_sse", "watch", *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    ) as process:
        try:
            yield Terminal(process)
        finally:
            process.kill()


def test_each_event_is_a_line(server: ServerProcess, mina: Person, book: int) -> None:
    """What happens is said in a line each, with its position, and Ctrl-C ends it quietly."""
    with watching(str(book), "--url", server.url) as terminal:
        terminal.until("stream.ready")
        posted = mina.post(book, "좋아요\n정말")
        mina.edit(posted["id"], "better")
        mina.delete(posted["id"])
        said = terminal.until("deleted")
        assert terminal.interrupt() == 0

    epoch = posted["position"].partition("-")[0]
    number = posted["id"]
    ready, *changes = CLOCK.sub("", said).splitlines()
    assert ready.split() == [
        f"{epoch}-0", "stream.ready", "mode=live", f"head={epoch}-0", "(0", "in", "all)",
    ]  # fmt: skip
    assert changes == [
        f"{f'{epoch}-1':<14} created   #{number} mina: 좋아요⏎정말  (1 in all)",
        f"{f'{epoch}-2':<14} updated   #{number} mina: better  (1 in all)",
        f"{f'{epoch}-3':<14} deleted   #{number}  (0 in all)",
    ]


def test_terminals_without_letters(server: ServerProcess, mina: Person, book: int) -> None:
    """In a terminal that does not know them, other letters are question marks."""
    with watching(str(book), "--url", server.url, encoding="latin-1") as terminal:
        terminal.until("stream.ready")
        mina.post(book, "책")
        assert "mina: ?" in terminal.until("created")


def test_it_comes_back(server: ServerProcess, mina: Person, book: int) -> None:
    """After the server was killed and started, it goes on from where it was."""
    with watching(str(book), "--url", server.url) as terminal:
        terminal.until("stream.ready")
        mina.post(book, "before")
        terminal.until("before")
        server.kill()
        terminal.until("again in")
        server.start()
        mina.post(book, "meanwhile")
        terminal.until("meanwhile")
        mina.post(book, "afterwards")
        said = terminal.until("afterwards")

    assert [said.count(text) for text in ("before", "meanwhile", "afterwards")] == [1, 1, 1]
    assert "mode=resumed" in said


def test_from_a_position(server: ServerProcess, mina: Person, book: int) -> None:
    """With a position, what happened after it is said first; heartbeats only if they are wanted."""
    position = mina.post(book, "first")["position"]
    mina.post(book, "second")
    everything = f"{position.partition('-')[0]}-0"
    with watching(str(book), "--url", server.url, "--from", everything) as terminal:
        said = terminal.until("second")

    assert said.index("first") < said.index("second")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["999999", "--url", "{url}"], "livria-sse: There is no such book."),
        (["5", "--url", "{url}/elsewhere"], "livria-sse: There is no such book."),
        (["5", "--url", "nonsense"], "this is no address of a site."),
        (["5", "--url", "http://site:port"], "this is no address of a site."),
        (["5", "--url", "{url}/books/5/?"], "this is no address of a site."),
        (["5", "--from", "k7 0"], "write it like k7q2m-42"),
        (["five"], "is not a valid integer"),
    ],
    ids=["unknown", "elsewhere", "nonsense", "broken", "a page", "no position", "no number"],
)
def test_what_cannot_be_watched(server: ServerProcess, options: list[str], complaint: str) -> None:
    """What will never be a stream is one line, and the end."""
    with watching(*(option.format(url=server.url) for option in options)) as terminal:
        said = terminal.until(complaint)

    assert "Traceback" not in said


@pytest.mark.parametrize("data", ["5", "[1]", '{"review":5}', '{"review":{"id":1}}', "{", ""])
def test_anything_is_a_line(data: str) -> None:
    """What is nothing that we send is shown as it is."""
    assert line_of(ServerSentEvent(event="message", data=data)) == f"message: {data}"


def test_viewers_are_a_number() -> None:
    """How many have the page open is said with its number."""
    told = '{"type":"stream.viewers","book":5,"viewers":3}'

    assert line_of(ServerSentEvent(event="stream.viewers", data=told)).endswith(" viewers=3")


def test_terminals_obey_nobody() -> None:
    """What a person wrote reaches the terminal without the characters that it would obey."""
    text = '{"review":{"id":1,"user":{"username":"m"},"content":"\\u001b[2J\\u202e\\u0007"}}'

    line = line_of(ServerSentEvent(event="review.created", data=text))

    assert line.isprintable()
    assert line.endswith("m: �[2J��")
    assert line_of(ServerSentEvent(event="\x1b", data="no JSON")) == "�: no JSON"
