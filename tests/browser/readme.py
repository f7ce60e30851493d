"""What the README tells a front end to do."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
#: How it writes the body of a function that goes as a whole.
BODY = re.escape("{ … }")


def command_of_readme() -> str:
    """How the README copies the modules from the service."""
    (command,) = re.findall(r"^\$ (curl --create-dirs .*)$", README.read_text(), re.MULTILINE)
    return str(command)


def diff_of_readme() -> str:
    """What the README changes in the view."""
    (diff,) = re.findall(r"^```diff\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)
    return str(diff)


def patched(text: str, diff: str) -> str:
    """A text in which each hunk of a diff is applied, wherever it fits."""
    for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines()
        old = "".join(_pattern(line[1:]) for line in lines if line[0] in " -")
        new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +").replace("\\", r"\\")
        text, times = re.subn(old, new, text, flags=re.DOTALL | re.MULTILINE)
        assert times, f"this is not in the view:\n{hunk}"
    return text


def _pattern(line: str) -> str:
    after = r"\n\n?" if "{ … }" in line else r"\n"
    return "^" + re.escape(line).replace(BODY, r"\{\n.*?^\}") + after
