"""Servers that are interrupted: Ctrl-C sends SIGINT to all processes of a terminal at once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.parts import ServerProcess
from tests.parts.processes import workers_of
from tests.waiting import until

#: What a process loads while it starts, from the first to the last.
LIBRARIES = ["_ssl", "pydantic_core", "httptools"]
#: Nobody is there, which does a server that starts no harm.
TWO_WORKERS: dict[str, Any] = {"workers": "2", "redis_url": "redis://127.0.0.1:1"}
#: A POST whose body does not come.
HALF_A_POST = (
    b"POST /api/accounts/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n"
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where servers put what they need for a while."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


@contextmanager
def starting(folder: Path) -> Iterator[int]:
    """A server that has just been started, as from a terminal; its process.

    At the end it must be gone, without having complained.
    """
    with (folder / "server.log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "livria_sse", "serve"],
            stdout=log,
            stderr=log,
            env=ServerProcess(folder, **TWO_WORKERS).environment(),
            cwd=folder,
            start_new_session=True,
        )
        try:
            yield server.pid
            server.wait(20)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        assert "Traceback" not in (folder / "server.log").read_text()


def one_has_loaded(processes: Iterable[int], library: str) -> bool:
    """Whether one of these processes has come as far as to load a library."""
    return any(library in Path(f"/proc/{each}/maps").read_text() for each in processes)


@pytest.mark.parametrize("library", LIBRARIES)
def test_interrupted_while_it_starts(tmp_path: Path, place: Path, library: str) -> None:
    """Who interrupts a server that is being loaded sees no traceback, and nothing is left of it."""
    with starting(tmp_path) as server:
        asyncio.run(until(lambda: one_has_loaded([server], library)))
        os.killpg(server, signal.SIGINT)

    assert not list(place.iterdir())


@pytest.mark.parametrize("library", LIBRARIES)
def test_interrupted_while_workers_start(tmp_path: Path, place: Path, library: str) -> None:
    """So it is when its workers are being loaded, none of which outlives it."""
    with starting(tmp_path) as server:
        asyncio.run(until(lambda: one_has_loaded(workers_of(server), library)))
        workers = workers_of(server)
        os.killpg(server, signal.SIGINT)

    assert not list(place.iterdir())
    assert not [each for each in workers if Path(f"/proc/{each}/exe").exists()]


def test_a_second_interrupt_of_workers(tmp_path: Path, place: Path) -> None:
    """Who interrupts workers twice does not wait for them either, and nothing is left."""
    with (
        ServerProcess(tmp_path, **TWO_WORKERS) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        workers = workers_of(server.pid)
        connection.sendall(HALF_A_POST)
        assert b"100 Continue" in connection.recv(65536)
        server.signal(signal.SIGINT)
        asyncio.run(until(lambda: "told to stop" in server.log.read_text()))
        server.signal(signal.SIGINT)

        assert server.wait() == 128 + signal.SIGINT
        assert not list(place.iterdir())
        assert not [each for each in workers if Path(f"/proc/{each}/exe").exists()]
