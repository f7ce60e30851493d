"""A real proxy in front of real servers, set up as we advise or as carelessly as can be."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal, get_args

import httpx
import pytest

from livria_sse.deploy import Names, configuration
from tests.parts.certificate import make_certificate
from tests.parts.missing import missing
from tests.parts.part import Part
from tests.parts.ports import free_port

Kind = Literal["nginx", "caddy", "haproxy", "apache"]
#: As we advise; or as somebody does who has never heard of streams.
Care = Literal["advised", "careless"]

HERE = Path(__file__).parent / "proxies"
COMMANDS = {
    "nginx": ("nginx", "-p", "{folder}", "-c", "{folder}/main"),
    "caddy": ("caddy", "run", "--adapter", "caddyfile", "--config", "{folder}/site"),
    "haproxy": ("haproxy", "-f", "{folder}/main", "-f", "{folder}/site"),
    "apache": ("apache2", "-d", "{folder}", "-f", "{folder}/main", "-DFOREGROUND"),
}


class ReverseProxy(Part):
    """Serves `https://localhost:<port>` from the given ports.

    What is around the site's own configuration compresses and buffers whatever it can.
    """

    def __init__(
        self,
        kind: Kind,
        folder: Path,
        *servers: int,
        care: Care = "advised",
        idle_seconds: int = Names.idle_seconds,
        request_seconds: int = Names.request_seconds,
    ) -> None:
        self.kind = kind
        self.folder = folder
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.log = folder / "proxy.log"
        self._care = care
        certificate = make_certificate(folder)
        self._names = Names(
            host="localhost",
            port=self.port,
            certificate=str(certificate.certificate),
            key=str(certificate.key),
            servers=tuple(f"127.0.0.1:{server}" for server in servers),
            idle_seconds=idle_seconds,
            request_seconds=request_seconds,
        )

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        program = COMMANDS[self.kind][0]
        if shutil.which(program) is None:
            missing(program)
        self._write("main", (HERE / f"{self.kind}.main").read_text())
        self._write("site", self._site())
        with self.log.open("ab") as log:
            command = [part.format(folder=self.folder) for part in COMMANDS[self.kind]]
            environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder)}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()

    def _site(self) -> str:
        if self._care == "advised":
            site = configuration(self.kind, self._names)
        else:
            site = (HERE / f"{self.kind}.careless").read_text()
        if self.kind == "caddy":  # has one block for the options of all, at the beginning
            site = site.replace("{\n", "{\n    import @FOLDER@/main\n", 1)
        return site

    def _write(self, name: str, text: str) -> None:
        values = {
            "FOLDER": self.folder,
            "PORT": self.port,
            "CERTIFICATE": self._names.certificate,
            "KEY": self._names.key,
            "SERVER": self._names.servers[0],
            "IDLE": self._names.idle_seconds,
        }
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        (self.folder / name).write_text(text)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", verify=False).is_success  # noqa: S501
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:  # some wait for their streams
            self._process.kill()
            self._process.wait()


def _at_length(first: Kind) -> tuple[Any, ...]:
    others = (kind for kind in KINDS if kind != first)
    return (first, *(pytest.param(kind, marks=pytest.mark.long) for kind in others))


#: Every proxy that there is a configuration for, as the parameters of a test; and of one that takes
#: its time, with one that knows only what it sees, or one that asks for `/readyz`.
KINDS: tuple[Kind, ...] = get_args(Kind)
KINDS_AT_LENGTH, CHECKING_FIRST = _at_length("nginx"), _at_length("haproxy")
