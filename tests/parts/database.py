"""Databases with nothing in them yet, which are made once and copied: alembic takes its time."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from livria_sse.models import new_epoch
from livria_sse.store.migrate import migrate


def new_database(path: Path) -> None:
    """Puts at a path what `migrate` makes there, with an epoch of its own."""
    path.write_bytes(_migrated())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE facts SET value = ? WHERE name = 'epoch'", (new_epoch(),))


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "livria.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()
