"""The program `livria-sse`."""

from __future__ import annotations

from importlib import import_module

from livria_sse.loading import loading


def main() -> None:
    """Runs a command."""
    with loading():
        commands = import_module("livria_sse.commands")
    commands.main()


if __name__ == "__main__":
    main()
