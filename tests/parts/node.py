"""Programs in JavaScript, with the packages that a folder's lock file names."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.parts.missing import missing


def node() -> str:
    """Where Node.js is."""
    return shutil.which("node") or missing("node")


def installed(folder: Path) -> Path:
    """Where the packages of a folder are; `tests/run` installs them."""
    packages = folder / "node_modules"
    if not packages.is_dir():
        missing(f"what `npm ci` installs in {folder}")
    return packages
