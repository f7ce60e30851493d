"""livria-sse: live book reviews over plain HTTP.

`livria-sse serve` serves it best; `uvicorn livria_sse:app` serves it too.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """Makes `app`, from the environment, and `__version__` when somebody first asks for them.

    Importing does nothing.
    """
    if name == "app":
        made = import_module("livria_sse.application").app_from_environment()
    elif name == "__version__":
        made = import_module("importlib.metadata").version("livria-sse")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, made)  # uvicorn asks for `app` twice
