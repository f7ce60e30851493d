"""The processes that a server has started."""

from __future__ import annotations

from pathlib import Path


def workers_of(server: int) -> set[int]:
    """The workers of a server: its children that are servers themselves."""
    return {child for child in children_of(server) if b"spawn_main" in _command_of(child)}


def children_of(server: int) -> list[int]:
    """All of its children."""
    children = Path(f"/proc/{server}/task/{server}/children")
    return [int(child) for child in children.read_text().split()]


def _command_of(process: int) -> bytes:
    """What a process was started with; nothing if it has ended since it was found."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
