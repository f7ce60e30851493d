"""The existing front end, turned from its WebSocket to the stream as the README says."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.browser.readme import command_of_readme, diff_of_readme, patched
from tests.parts import installed, missing, node
from tests.parts.part import Part

HERE = Path(__file__).parent / "vue"
VIEW = Path("src/views/BookDetailView.vue")
#: The origin that is to be listed: where Vite serves what is being developed.
HOST, PORT = "127.0.0.1", 5173
ORIGIN = f"http://localhost:{PORT}"
#: Where the README's own service is.
EXAMPLE = "http://127.0.0.1:8000"


class FrontEnd(Part):
    """A copy of the application, built for a service and served at `ORIGIN`."""

    def __init__(self, folder: Path, service: str) -> None:
        self._folder = folder / "front-end"
        self._log = folder / "vite.log"
        self._service = service

    def start(self) -> None:
        """Makes it and serves it, as soon as nobody else is served there."""
        self._copy()
        self._migrate()
        assert self._vite("build").wait() == 0, self._log.read_text()
        while _is_taken():
            time.sleep(0.1)
        self._process = self._vite("preview", "--host", HOST, "--port", str(PORT), "--strictPort")
        while "Local:" not in self._log.read_text():
            assert self._process.poll() is None, self._log.read_text()

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait()

    def _copy(self) -> None:
        shutil.copytree(HERE, self._folder, ignore=shutil.ignore_patterns("node_modules"))
        (self._folder / "node_modules").symlink_to(installed(HERE))

    def _migrate(self) -> None:
        curl = shutil.which("curl") or missing("curl")
        _, *options = shlex.split(command_of_readme().replace(EXAMPLE, self._service))
        subprocess.run([curl, "--silent", "--fail", *options], cwd=self._folder, check=True)
        view = self._folder / VIEW
        view.write_text(patched(view.read_text(), diff_of_readme()))

    def _vite(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("a") as log:
            return subprocess.Popen(
                [node(), "node_modules/vite/bin/vite.js", *arguments],
                cwd=self._folder,
                env={**os.environ, "VITE_LIVRIA": self._service, "NO_COLOR": "1"},
                stdout=log,
                stderr=log,
            )


def _is_taken() -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex((HOST, PORT)) == 0
