"""The service itself, as a process of its own."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.parts.database import new_database
from tests.parts.part import Part
from tests.parts.ports import free_port

#: Variables of the tester's own that would change what is tested.
FOREIGN = ("LIVRIA_", "PORT", "WEB_", "DATABASE_URL", "REDIS_URL", "DYNO")
#: All readers of a test have one address, and nobody in a test takes a break. The numbers of
#: viewers come whenever they like; tests in which that does no harm let them. Nobody waits for
#: proxies to notice that a server stops, where there are none.
GENEROUS = {
    "viewers": "off",
    "notice_seconds": "0",
    "max_streams_per_address": "10000",
    "max_connects_per_address": "10000",
    "writes_per_account": "100000/minute",
    "writes_per_address": "100000/minute",
    "sign_ins_per_username": "1000/minute",
    "sign_ins_per_address": "1000/minute",
    "repeat_seconds": "0",
}


class ServerProcess(Part):
    """A `livria-sse serve` of its own, on a database in a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        command: list[str] | None = None,
        announced: bool = True,
        files: int | None = None,
        migrated: bool = True,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._command = [sys.executable, "-m", *(command or ["livria_sse", "serve"])]
        self._announced = announced
        #: How many files it may open; None for as many as the tests may.
        self._files = files
        #: Whether it finds a database as `migrate` makes it. If not, it makes one, and is slower.
        self._migrated = migrated and "database_url" not in settings
        self._port = port
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

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
        mine = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        settings = {**GENEROUS, **self._settings}
        given = {f"LIVRIA_{name.upper()}": value for name, value in settings.items()}
        return {
            **mine,
            "LIVRIA_DATABASE_URL": f"sqlite:///{self.database}",
            "PORT": str(self._port),
            **given,
        }

    def start(self) -> None:
        """Starts it and waits for the line with its address."""
        if self._migrated and not self.database.exists():
            new_database(self.database)
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self.environment(),
                cwd=self.folder,
                preexec_fn=self._limit_files if self._files else None,
            )
        if self._announced:
            self._port = self._announced_port()
        self.url = f"http://127.0.0.1:{self._port}"
        while not self._alive():
            assert self._process.poll() is None, self.log.read_text()
            # Nobody tells when it is there; to ask without a pause takes the processor from it.
            time.sleep(0.01)

    def _limit_files(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._files or 0, self._files or 0))

    def _announced_port(self) -> int:
        assert self._process
        assert self._process.stdout
        line = self._process.stdout.readline()
        if "http://" not in line:
            self.stop()
            raise AssertionError(f"the server did not start: {line!r} {self.log.read_text()}")
        return int(line.rstrip("/\n").rpartition(":")[2])

    def _alive(self) -> bool:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=5)) as connection:
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            except (OSError, HTTPException):
                return False

    def add_book(self) -> int:
        """Adds a book that nobody has reviewed; its id."""
        with closing(sqlite3.connect(self.database)) as database, database:
            insert = """
            INSERT INTO books (title, author, description, cover)
            VALUES ('A book', 'Somebody', 'It has pages.', '')
            """
            return database.execute(insert).lastrowid or 0

    def make_staff(self, username: str) -> None:
        """Lets somebody moderate."""
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("UPDATE accounts SET staff = true WHERE username = ?", (username,))

    def connections(self) -> int:
        """How many connections the process holds open, as the kernel sees them."""
        folder = Path(f"/proc/{self.pid}/fd")
        links = [_target(each) for each in folder.iterdir()]
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

    def stop(self, *, notice: bool = True) -> int:
        """Ends it as an operator would; the exit code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM if notice else signal.SIGINT)
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


def _target(link: Path) -> str:
    with suppress(FileNotFoundError):  # it was closed meanwhile
        return str(link.readlink())
    return ""


def plain_uvicorn(folder: Path, *options: str, **settings: Any) -> ServerProcess:
    """The service as uvicorn itself runs it, or any other ASGI server would."""
    port = free_port()
    command = ["uvicorn", "livria_sse:app", "--port", str(port), "--log-level", "warning"]
    command += ["--timeout-graceful-shutdown", "1", *options]
    return ServerProcess(folder, port=port, command=command, announced=False, **settings)
