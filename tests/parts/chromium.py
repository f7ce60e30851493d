"""A Chromium whose tabs are hidden and frozen as people's are.

Playwright makes all pages believe that they are seen, and what is seen cannot be frozen. So this
one is spoken to directly, by the DevTools protocol.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, Literal

from websockets.sync.client import ClientConnection, connect

from tests.parts.part import Part

SECONDS = 20


class Chromium(Part):
    """A browser with tabs, of which the last that was shown is seen."""

    def __init__(self, path: str, folder: Path, arguments: Sequence[str]) -> None:
        self._command = [path, "--headless=new", "--remote-debugging-port=0", *arguments]
        self._command += [f"--user-data-dir={folder}", "about:blank"]
        self._numbers = count(1)
        self._parts = ExitStack()
        self._connection: ClientConnection

    def start(self) -> None:
        """Starts it, and connects to it."""
        process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        self._parts.enter_context(process)
        self._parts.callback(process.kill)
        assert process.stderr
        address = next(filter(None, (re.search(r"ws://\S+", line) for line in process.stderr)))[0]
        self._connection = self._parts.enter_context(connect(address, max_size=None))

    def stop(self) -> None:
        """Ends it."""
        self._parts.close()

    def open(self, address: str) -> ChromiumTab:
        """Opens an address in a new tab, which is shown."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = ChromiumTab(self, target, session)
        self.send("Page.navigate", session, url=address)
        while tab.evaluate("location.href + document.readyState") != f"{address}complete":
            tab.wait_for_timeout(20)
        return tab

    def send(self, method: str, session: str | None = None, **params: Any) -> Any:
        """Sends a command, to a tab if its session is given; the result."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": params}
        if session:
            command["sessionId"] = session
        self._connection.send(json.dumps(command))
        while True:
            answer = json.loads(self._connection.recv(SECONDS))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]


class ChromiumTab:
    """A tab, with the verbs of Playwright's pages that are needed."""

    def __init__(self, chromium: Chromium, target: str, session: str) -> None:
        self._chromium = chromium
        self._target = target
        self._session = session

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """What an expression is, or a function of an argument returns."""
        called = "(async (it, argument) => typeof it === 'function' ? it(argument) : it)"
        answer = self._chromium.send(
            "Runtime.evaluate",
            self._session,
            expression=f"{called}(({expression}), {json.dumps(argument)})",
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Waits."""
        time.sleep(milliseconds / 1000)

    def show(self) -> None:
        """Brings it to the front; the one that was there is hidden."""
        self._chromium.send("Target.activateTarget", targetId=self._target)

    def set_life(self, state: Literal["frozen", "active"]) -> None:
        """Freezes or thaws it; only a hidden one can be frozen."""
        self._chromium.send("Page.setWebLifecycleState", self._session, state=state)
