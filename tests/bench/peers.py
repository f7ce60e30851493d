"""What is measured: the service in its ways of running, and the floor beside it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.usage import Usage, family, usage_of
from tests.parts import Person, RedisServer, ServerProcess
from tests.parts.ports import free_port

#: The server has one core to itself, where there are several, and the load has another.
SERVER_CORE, LOAD_CORE = 0, 1
TEXT = "A fine book, read in one sitting; the ending surprised me and I gave it to a friend."


class Peer(ABC):
    """A server that runs, and how to ask it for things."""

    name: str
    port: int

    @abstractmethod
    def usage(self) -> Usage:
        """What it uses, with all that it needs beside it."""

    @abstractmethod
    def stream(self, book: int) -> str:
        """Where a book's stream is."""

    @abstractmethod
    def post(self, number: int, book: int = 1) -> bytes:
        """The request that posts a review."""


@dataclass
class Floor(Peer):
    """The floor; it knows one book."""

    port: int
    pid: int
    name: str = "floor"

    def usage(self) -> Usage:
        """What it uses."""
        return usage_of(self.pid)

    def stream(self, book: int) -> str:
        """Where its only stream is."""
        return f"/{book}"

    def post(self, number: int, book: int = 1) -> bytes:
        """A frame's worth of bytes."""
        body = json.dumps({"type": "review.created", "book": book, "text": TEXT * 4, "n": number})
        return _request("/", "", body)


@dataclass
class Service(Peer):
    """The service."""

    name: str
    server: ServerProcess
    token: str
    redis: int | None = None

    @property
    def port(self) -> int:  # type: ignore[override]
        """Where it listens."""
        return self.server.port

    def usage(self) -> Usage:
        """What it uses, Redis included."""
        return usage_of(self.server.pid, *([self.redis] if self.redis else []))

    def stream(self, book: int) -> str:
        """Where a book's stream is."""
        return f"/sse/books/{book}/"

    def post(self, number: int, book: int = 1) -> bytes:
        """The request that posts a review."""
        body = json.dumps({"book": book, "content": f"{TEXT} {number}"})
        return _request("/api/reviews/", f"Authorization: Bearer {self.token}\r\n", body)


def _request(target: str, header: str, body: str) -> bytes:
    return (
        f"POST {target} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{header}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


@contextmanager
def floor() -> Iterator[Floor]:
    """Starts the floor."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.floor", str(port)])
    _keep_to({SERVER_CORE}, process.pid)
    while not _answers(port):
        pass
    try:
        yield Floor(port, process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def service(folder: Path, *, redis: bool = False, workers: int = 1) -> Iterator[Service]:
    """Starts the service: embedded, or with Redis, in one process or several."""
    settings: Any = {"limits": "off", "log_level": "warning", "viewers": "on"}
    settings["workers"] = str(workers)
    name = f"with Redis, {workers} process{'es' * (workers > 1)}" if redis else "embedded"
    with ExitStack() as stack:
        pid = None
        if redis:
            running = stack.enter_context(RedisServer(folder / "redis"))
            settings["redis_url"] = running.url
            pid = running.pid
        server = stack.enter_context(ServerProcess(folder, **settings))
        for each in (server.pid, *([pid] if pid else [])):
            _keep_to({SERVER_CORE} if workers == 1 else {SERVER_CORE, LOAD_CORE}, each)
        person = stack.enter_context(Person(server.url, "bench"))
        yield Service(name, server, person.token, pid)


def keep_load_apart() -> None:
    """Has this process use its own core."""
    _keep_to({LOAD_CORE}, os.getpid())


def _answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def _keep_to(cores: set[int], pid: int) -> None:
    if (os.cpu_count() or 1) == 1:
        return
    for each in family(pid):
        for task in Path(f"/proc/{each}/task").iterdir():
            os.sched_setaffinity(int(task.name), cores)
