"""The kinds of clients: for each, the command to which an address is added."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.parts import installed, missing, node

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"


def curl() -> list[str]:
    """`curl -N`, and somebody who asks again."""
    if not shutil.which("curl"):
        missing("curl")
    return ["sh", str(PROGRAMS / "with_curl.sh")]


def httpx_sse() -> list[str]:
    """A program in Python."""
    return [sys.executable, str(PROGRAMS / "with_httpx_sse.py")]


def eventsource() -> list[str]:
    """EventSource, for Node.js."""
    installed(HERE)
    return [node(), str(PROGRAMS / "with_eventsource.mjs")]


def fetch_event_source() -> list[str]:
    """What pages use that need headers of their own."""
    installed(HERE)
    return [node(), str(PROGRAMS / "with_fetch_event_source.mjs")]


Kind = Callable[[], list[str]]
KINDS: list[Kind] = [curl, httpx_sse, eventsource, fetch_event_source]
