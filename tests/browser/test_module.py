"""The module as others get it: how much it is to download, and whether its types are true."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest
from tests.parts import missing

#: Minified and compressed, all modules together, in bytes.
LARGEST = 6_000
TOOLS = ("esbuild@0.28.2", "typescript@5.9.2")

pytestmark = pytest.mark.long  # fetches its tools from the registry of npm


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tools are."""
    npm = shutil.which("npm") or missing("npm")
    folder = tmp_path_factory.mktemp("tools")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", *TOOLS]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "node_modules" / ".bin"


@pytest.fixture
def module() -> str:
    """The module from which all others are imported."""
    return str(resources.files("livria_sse") / "static" / "livria-reviews.js")


def test_size(tools: Path, module: str) -> None:
    """The module, with all that it imports, takes less than 6 kB to load."""
    command = [str(tools / "esbuild"), "--bundle", "--minify", "--format=esm", module]
    bundle = subprocess.run(command, check=True, capture_output=True).stdout
    size = len(gzip.compress(bundle))

    print(f"{size} bytes")  # noqa: T201
    assert b"watchReviews" in bundle
    assert size < LARGEST


def test_types(tools: Path, module: str) -> None:
    """What the comments say of types is so."""
    options = ["--noEmit", "--allowJs", "--checkJs", "--target", "es2022", "--module", "es2022"]
    command = [str(tools / "tsc"), *options, "--lib", "es2023,dom,dom.iterable", module]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)

    assert checked.stdout == ""
    assert checked.returncode == 0
