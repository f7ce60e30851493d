"""The scripts of the pages: which modules they are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

_IMPORT = re.compile(r'^import .*"\./([^"]+)";$', re.MULTILINE)


@cache
def modules_of(script: str) -> Sequence[str]:
    """All modules that a script needs.

    A page names them, or a browser would ask for each only when it has read another that imports it
    (WHATWG HTML, link type "modulepreload").
    """
    folder = resources.files("livria_sse") / "static"
    names = [script]
    for name in names:
        imported: list[str] = _IMPORT.findall((folder / name).read_text("utf-8"))
        names += [module for module in dict.fromkeys(imported) if module not in names]
    return names[1:]
