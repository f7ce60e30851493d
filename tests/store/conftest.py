"""The store over every database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.parts import PostgresCluster
from tests.parts.database import new_database

from livria_sse.store import Store

Execute = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own, of each kind in turn."""
    if request.param == "sqlite":
        new_database(tmp_path / "livria.db")
        return f"sqlite:///{tmp_path}/livria.db"
    url: str = request.getfixturevalue("postgres").create_database(migrated=True)
    return url


@pytest.fixture
def execute(request: pytest.FixtureRequest, database_url: str, store: Store) -> Execute:
    """Runs SQL on the database itself, past the store."""

    def on_sqlite(sql: str, *values: object) -> list[tuple[Any, ...]]:
        path = database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as connection, connection:
            return connection.execute(sql, values).fetchall()

    def on_postgres(sql: str, *values: object) -> list[tuple[Any, ...]]:
        numbers = count(1)
        numbered = "".join(f"${next(numbers)}" if letter == "?" else letter for letter in sql)
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        return cluster.query(numbered, *values, database=database_url.rpartition("/")[2])

    return on_sqlite if database_url.startswith("sqlite:") else on_postgres
