"""livria-sse: live book reviews over plain HTTP.

`livria-sse serve` serves it best; `uvicorn livria_sse:app` serves it too.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("livria-sse")


def __getattr__(name: str) -> Any:
    """Makes `app` when it is first asked for, from the environment: importing does nothing."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = import_module("livria_sse.application").app_from_environment()
    return globals().setdefault(name, made)  # uvicorn asks twice
