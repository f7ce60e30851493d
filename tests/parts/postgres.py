"""PostgreSQL, as Debian's package runs it: a cluster in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from livria_sse.models import new_epoch
from livria_sse.store.migrate import migrate
from tests.parts.missing import missing
from tests.parts.part import Part
from tests.parts.ports import free_port

USER, PASSWORD = "livria", "l'1vr!a"
#: As it stands in an address.
QUOTED_PASSWORD = "l%271vr%21a"


class PostgresCluster(Part):
    """A cluster on loopback; it keeps its port when it is started again.

    An option is a setting of the server, `log_statement=all`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        #: What it says.
        self.log = folder / "postgres.log"
        self.port = free_port()
        self._options = ("listen_addresses=127.0.0.1", "unix_socket_directories=", *options)
        #: Not below `folder`: pytest keeps that to its user, whom PostgreSQL may not be.
        self._home = Path(tempfile.mkdtemp(prefix="livria-postgres-"))
        self._data = self._home / "data"
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://{USER}:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_database(self, *, migrated: bool = False) -> str:
        """The address of a new database with nothing in it, or what `migrate` makes of one."""
        name = f"livria{next(self._numbers)}"
        if migrated:
            self.query(f"CREATE DATABASE {name} TEMPLATE {self._migrated}")
            own = "UPDATE facts SET value = $1 WHERE name = 'epoch'"
            self.query(own, new_epoch(), database=name)
        else:
            self.query(f"CREATE DATABASE {name}")
        return self.url(name)

    @cached_property
    def _migrated(self) -> str:
        """The name of a database that is copied: making each anew takes longer."""
        url = self.create_database()
        with ThreadPoolExecutor(1) as thread:  # an event loop may run in this one
            thread.submit(migrate, url).result()
        return url.rpartition("/")[2]

    def query(self, sql: str, *values: object, database: str = "postgres") -> list[Any]:
        """What a statement returns, as tuples; also where an event loop runs."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.url(database), timeout=10)
            try:
                return [tuple(row) for row in await connection.fetch(sql, *values)]
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(ask())).result()

    def start(self) -> None:
        """Starts it, made if it is new, and waits until it answers."""
        if not self._data.exists():
            self._make()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _program("postgres"),
                    *("-D", str(self._data), "-p", str(self.port)),
                    *(word for option in self._options for word in ("-c", option)),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **_unprivileged(),
            )
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()

    def _answers(self) -> bool:
        ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _make(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        secret = self._home / "secret"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(self._home, "postgres")
            shutil.chown(secret, "postgres")
        subprocess.run(
            [
                _program("initdb"),
                *("-D", str(self._data), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"),
                *("-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            **_unprivileged(),
        )

    def signal(self, number: int) -> None:
        """Sends a signal to all of its processes."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for child in children.read_text().split():
            os.kill(int(child), number)
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ends it at once, as an operator would who cannot wait for its clients."""
        self._end(signal.SIGINT)

    def __exit__(self, *exc: object) -> None:
        """Ends it, and removes what it kept."""
        super().__exit__(*exc)
        shutil.rmtree(self._home)

    def kill(self) -> None:
        """Ends it as a crash would; it recovers when it is started."""
        self._end(signal.SIGQUIT)

    def _end(self, number: int) -> None:
        if self._process and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(30)
        self._process = None


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}")) or [
        Path(each) for each in [shutil.which(name)] if each
    ]
    if not found:
        missing("PostgreSQL")
    return str(found[-1])


def _unprivileged() -> dict[str, Any]:
    # PostgreSQL refuses to run as root.
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}
