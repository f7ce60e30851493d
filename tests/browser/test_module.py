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
LARGEST = 5_000
TOOLS = ("esbuild@0.28.2", "typescript@5.9.2", "vue@3.5.45")

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
    """The module, with all that it imports, takes no more to load than the README says."""
    command = [str(tools / "esbuild"), "--bundle", "--minify", "--format=esm", module]
    bundle = subprocess.run(command, check=True, capture_output=True).stdout
    size = len(gzip.compress(bundle))

    print(f"{size} bytes")  # noqa: T201
    assert b"watchReviews" in bundle
    assert size < LARGEST


@pytest.mark.parametrize("name", ["livria-reviews.js", "use-book-reviews.js"])
def test_types(tools: Path, tmp_path: Path, name: str) -> None:
    """What the comments say of types is so."""
    (tmp_path / "node_modules").symlink_to(tools.parent)
    static = resources.files("livria_sse") / "static"
    shutil.copytree(str(static), tmp_path / "static")
    options = ["--noEmit", "--allowJs", "--checkJs", "--target", "es2022", "--module", "es2022"]
    options += ["--moduleResolution", "bundler", "--skipLibCheck"]
    command = [str(tools / "tsc"), *options, "--lib", "es2023,dom,dom.iterable"]
    checked = subprocess.run(
        [*command, str(tmp_path / "static" / name)], check=False, capture_output=True, text=True
    )

    assert checked.stdout == ""
    assert checked.returncode == 0
