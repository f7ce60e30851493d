"""The server: uvicorn as `livria-sse serve` runs it."""

from __future__ import annotations

from livria_sse.server.server import serve

__all__ = ["serve"]
