"""The program `livria-sse`, which is loaded in silence."""

from __future__ import annotations

import signal
from importlib import import_module


def main() -> None:
    """Runs a command. One that is interrupted while its parts are loaded has nothing to say."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    commands = import_module("livria_sse.commands")
    signal.signal(signal.SIGINT, before)
    commands.main()


if __name__ == "__main__":
    main()
