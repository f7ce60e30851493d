"""Files of books: JSON lines or CSV with a header, read whole before anything is stored."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from livria_sse.errors import InvalidCatalogue, InvalidInput
from livria_sse.inputs import CatalogueLine, validated
from livria_sse.models import CatalogueEntry


def read_catalogue(path: Path) -> list[CatalogueEntry]:
    """The books in a file, `.csv` or JSON lines.

    Raises:
        InvalidCatalogue: With the number of the first line that is wrong, and why.
    """
    try:
        # A BOM is what spreadsheets put in front.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(
                _entries(_csv(lines) if path.suffix.lower() == ".csv" else _json_lines(lines))
            )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidCatalogue(f"{path}: {error}") from error


def sample_catalogue() -> list[CatalogueEntry]:
    """The books that an empty database begins with."""
    with resources.as_file(resources.files("livria_sse") / "samples" / "books.jsonl") as path:
        return read_catalogue(path)


def _entries(numbered: Iterable[tuple[int, Any]]) -> Iterator[CatalogueEntry]:
    for number, fields in numbered:
        try:
            line = validated(CatalogueLine, fields)
        except InvalidInput as error:
            reasons = "; ".join(f"{field}: {' '.join(why)}" for field, why in error.errors.items())
            raise InvalidCatalogue(f"line {number}: {reasons}") from error
        yield CatalogueEntry(**line.model_dump())


def _csv(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    rows = csv.DictReader(lines)
    for fields in rows:
        present = {name: text for name, text in fields.items() if name and text is not None}
        yield rows.line_num, present


def _json_lines(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidCatalogue(f"line {number}: it is not valid JSON") from error
