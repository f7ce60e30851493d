"""Ports for the parts that cannot say themselves which free one they took."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port that nobody uses at any address: proxies listen at all of them."""
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        port: int = listener.getsockname()[1]
        return port
