"""The server: uvicorn as `livria-sse serve` runs it."""

from __future__ import annotations

from livria_sse.server.server import prepared, serve

__all__ = ["prepared", "serve"]
