"""The real parts that tests start: server processes and what talks to them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

PASSWORD = "correct horse battery"


class ServerProcess:
    """A `livria-sse serve` of its own, on a database in a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        command: list[str] | None = None,
        announced: bool = True,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._command = [sys.executable, "-m", *(command or ["livria_sse", "serve"])]
        self._announced = announced
        self._port = port
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process
        return self._process.pid

    @property
    def port(self) -> int:
        """The port, also that of the next start."""
        return self._port

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "livria.db"

    def environment(self) -> dict[str, str]:
        """What the process gets: the settings, and nothing of the tester's own."""
        mine = {
            k: v for k, v in os.environ.items() if not k.startswith(("LIVRIA_", "PORT", "WEB_"))
        }
        given = {f"LIVRIA_{name.upper()}": value for name, value in self._settings.items()}
        return {
            **mine,
            "LIVRIA_DATABASE_URL": f"sqlite:///{self.database}",
            "PORT": str(self._port),
            **given,
        }

    def start(self) -> None:
        """Starts it and waits for the line with its address."""
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment(),
                cwd=self.folder,
            )
        if self._announced:
            self._port = self._announced_port()
        self.url = f"http://127.0.0.1:{self._port}"
        while not self._alive():
            assert self._process.poll() is None, self.log.read_text()

    def _announced_port(self) -> int:
        assert self._process
        assert self._process.stdout
        line = self._process.stdout.readline()
        if "http://" not in line:
            self.stop()
            raise AssertionError(f"the server did not start: {line!r} {self.log.read_text()}")
        return int(line.rstrip("/\n").rpartition(":")[2])

    def _alive(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz").is_success
        except httpx.TransportError:
            return False

    def add_book(self) -> int:
        """Adds a book that nobody has reviewed; its id."""
        with closing(sqlite3.connect(self.database)) as database, database:
            insert = "INSERT INTO books (title, author, description, cover) VALUES ('', '', '', '')"
            return database.execute(insert).lastrowid or 0

    def connections(self) -> int:
        """How many connections the process holds open, as the kernel sees them."""
        folder = Path(f"/proc/{self.pid}/fd")
        links = [str(each.readlink()) for each in folder.iterdir()]
        sockets = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
        rows = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        established = [row.split() for row in rows if row.split()[3] == "01"]
        return sum(row[9] in sockets for row in established)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        assert self._process
        self._process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        """Waits for its end; the exit code."""
        assert self._process
        return self._process.wait(seconds)

    def stop(self) -> int:
        """Ends it as an operator would; the exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            assert process.stdout
            process.stdout.close()

    def kill(self) -> None:
        """Ends it as a crash would."""
        self.signal(signal.SIGKILL)
        self.stop()


class Person:
    """Somebody with an account, who writes through the API."""

    def __init__(self, url: str, username: str) -> None:
        self.username = username
        self._client = httpx.Client(base_url=url, timeout=30)
        answer = self._client.post(
            "/api/accounts/signup/", json={"username": username, "password": PASSWORD}
        )
        answer.raise_for_status()
        self.token: str = answer.json()["token"]
        self._client.cookies.clear()
        self._client.headers["Authorization"] = f"Bearer {self.token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, book: int, content: str, **headers: str) -> Any:
        """Posts a review; the answer's document."""
        answer = self._client.post(
            "/api/reviews/", json={"book": book, "content": content}, headers=headers
        )
        return answer.raise_for_status().json()

    def edit(self, review: int, content: str) -> Any:
        """Edits a review; the answer's document."""
        answer = self._client.patch(f"/api/reviews/{review}/", json={"content": content})
        return answer.raise_for_status().json()

    def delete(self, review: int) -> str:
        """Deletes a review; the position after it."""
        answer = self._client.delete(f"/api/reviews/{review}/")
        return answer.raise_for_status().headers["Livria-Position"]

    def get(self, address: str) -> Any:
        """What is found at an address."""
        return self._client.get(address).raise_for_status().json()


def missing(part: str) -> None:
    """A real part is not here: that fails in CI, and skips on a person's machine."""
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing")
    pytest.skip(f"{part} is missing")
