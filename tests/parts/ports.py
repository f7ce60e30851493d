"""Ports for the parts that cannot say themselves which free one they took."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
