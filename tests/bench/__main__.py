"""Measures the service beside the floor, and prints tables: `python -m tests.bench [--quick]`.

The server has one core, the load another. Each figure of the service is to be read beside the
floor's of the same run: machines differ, and so do their hours.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any, TypeVar

from tests.bench import measures
from tests.bench.peers import Peer, Service, floor, keep_load_apart, service

T = TypeVar("T")
Row = dict[str, Any]
Start = Callable[[], AbstractContextManager[Peer]]


class Bench:
    """Runs measurements, says what it is doing, and keeps what came of it."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self._folder = folder
        self._quick = quick
        self._began = time.monotonic()
        self._number = 0
        self.tables: dict[str, list[Row]] = {}

    def run(self) -> None:
        """Measures everything."""
        self._fanouts()
        self._growth()
        self._writes()
        self._returns()
        self._books()

    def _new(self, **how: Any) -> AbstractContextManager[Service]:
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        return service(folder, **how)

    def _ways(self) -> list[Start]:
        return [
            floor,
            self._new,
            lambda: self._new(redis=True),
            lambda: self._new(redis=True, workers=2),
        ]

    def _fanouts(self) -> None:
        paced, burst = (24, 100) if self._quick else (80, 400)
        for title, events, rate in (("8 reviews/s", paced, 8.0), ("back to back", burst, inf)):
            for start in self._ways():
                with start() as peer:
                    self._note(
                        f"1,000 readers of one book, {title}",
                        peer.name,
                        measures.fanout(peer, readers=1_000, events=events, rate=rate),
                    )

    def _growth(self) -> None:
        counts = (100, 10_000) if self._quick else (100, 1_000, 10_000, 15_000)
        for readers in counts:
            for start in (floor, self._new):
                with start() as peer:
                    events = max(10, min(400, 200_000 // readers) // (4 if self._quick else 1))
                    self._note(
                        "how it grows with readers, back to back",
                        f"{peer.name}, {readers:,}",
                        measures.fanout(peer, readers=readers, events=events, rate=inf),
                    )
        with self._new() as peer:
            self._note(
                "how it grows with readers, back to back",
                "embedded, 1,200 of 12 books",
                measures.fanout(peer, readers=1_200, events=240, rate=inf, books=12),
            )

    def _writes(self) -> None:
        seconds = 2.0 if self._quick else 6.0
        for start in self._ways()[1:]:
            with start() as peer:
                for writers in (1, 8):
                    stored = measures.writes(peer, writers=writers, seconds=seconds)
                    row = {"writers": writers, "stored_per_second": stored}
                    self._note("reviews stored", f"{peer.name}, {writers} at once", row)

    def _returns(self) -> None:
        for missed in (20, 200):
            with self._new() as peer:
                came = measures.catch_up(peer, readers=1_000, missed=missed)
                self._note("1,000 readers come back", f"after {missed} reviews", came)

    def _books(self) -> None:
        with self._new() as peer:
            for book, reviews in ((3, 0), (4, 100_000)):
                measures.fill(peer, book, reviews)
                self._note("a book with many reviews", f"{reviews:,}", measures.opening(peer, book))

    def _note(self, table: str, name: str, result: Any) -> None:
        row = {"": name, **(result if isinstance(result, dict) else asdict(result))}
        self.tables.setdefault(table, []).append(row)
        shown = "  ".join(f"{key} {value:,.1f}" for key, value in row.items() if key)
        seconds = time.monotonic() - self._began
        sys.stderr.write(f"[{seconds:4.0f} s] {table}: {name}: {shown}\n")


def show(tables: dict[str, list[Row]]) -> str:
    """The tables, for people."""
    lines = []
    for title, rows in tables.items():
        names = [key for key in rows[0] if key]
        width = max(len(row[""]) for row in rows)
        lines += ["", title, "".join([" " * width, *(f"{name:>19}" for name in names)])]
        lines += [
            "".join([f"{row['']:{width}}", *(f"{row[name]:19,.2f}" for name in names)])
            for row in rows
        ]
    return "\n".join(lines)


def main() -> None:
    """Runs the benchmark."""
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer events, in three minutes")
    options.add_argument("--json", type=Path, help="where to write the figures, too")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="livria-bench") as folder:
        bench = Bench(Path(folder), quick=chosen.quick)
        keep_load_apart()
        bench.run()
    sys.stdout.write(show(bench.tables) + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(bench.tables, indent=1))


if __name__ == "__main__":
    main()
