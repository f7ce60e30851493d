"""Migrations: from nothing, or from any earlier version, to the tables that the queries need."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from livria_sse.errors import StoreUnavailable
from livria_sse.models import Position
from livria_sse.store.migrate import MIGRATIONS, migrate, newest
from livria_sse.store.tables import metadata

#: Says that it is ready, waits for its turn, and migrates.
MIGRATE = """
import sys
from livria_sse.store.migrate import MIGRATIONS, migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(sys.argv[1])
"""


def address(path: Path) -> str:
    """The URL of a file."""
    return f"sqlite:///{path}"


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """What is in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def schema(path: Path) -> dict[str, str]:
    """What SQLite remembers of how tables and indexes were made, without alembic's own."""
    made = rows(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: " ".join(sql.split()) for name, sql in made if name != "alembic_version"}


def test_migrated_is_the_metadata(tmp_path: Path) -> None:
    """Alembic finds nothing that a migrated database lacks of the tables, or has beyond them."""
    path = tmp_path / "livria.db"
    migrate(address(path))

    engine = create_engine(address(path), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_migrated_is_made_alike(tmp_path: Path) -> None:
    """A migrated database is, word by word, what the tables would be made as.

    Alembic does not compare AUTOINCREMENT, nor the condition of a partial index.
    """
    migrated, made = tmp_path / "migrated.db", tmp_path / "made.db"
    migrate(address(migrated))
    engine = create_engine(address(made), poolclass=NullPool)
    metadata.create_all(engine)

    assert schema(migrated) == schema(made)
    assert "AUTOINCREMENT" in schema(migrated)["reviews"]


def test_migrating_twice(tmp_path: Path) -> None:
    """Migrating what is migrated changes nothing: not the epoch, not the rows."""
    path = tmp_path / "livria.db"
    migrate(address(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO books VALUES (7, 'Emma', 'Jane', '', '', 3, 1, 0)")
        connection.commit()
        before = list(connection.iterdump())

    migrate(address(path))

    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before


def test_nothing_is_loaded_for_nothing(tmp_path: Path) -> None:
    """Where there is nothing to migrate, that is seen without loading what would do it."""
    path = tmp_path / "livria.db"
    migrate(address(path))
    look = "import sys; from livria_sse.store.migrate import migrate; migrate(sys.argv[1]);"

    said = subprocess.check_output(
        [sys.executable, "-c", f"{look} print('alembic' in sys.modules)", address(path)], text=True
    )

    assert rows(path, "SELECT version_num FROM alembic_version") == [(newest(),)]
    assert said == "False\n"


def test_epoch_is_made(tmp_path: Path) -> None:
    """Every database gets an epoch of its own."""
    epochs = set()
    for name in ("one.db", "two.db"):
        migrate(address(tmp_path / name))
        ((epoch,),) = rows(tmp_path / name, "SELECT value FROM facts WHERE name = 'epoch'")
        assert Position.parse(f"{epoch}-0")
        epochs.add(epoch)

    assert len(epochs) == 2


def test_migrating_at_once(tmp_path: Path) -> None:
    """Processes that migrate the same new file at once all succeed, and it is done once."""
    path = tmp_path / "livria.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, address(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[1] for process in processes]

    assert said == ["", "", ""]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert rows(path, "SELECT count(*) FROM facts") == [(1,)]
    assert rows(path, "SELECT count(*) FROM alembic_version") == [(1,)]


def test_failing_leaves_nothing(tmp_path: Path) -> None:
    """A migration that fails half way leaves the database as it was."""
    path = tmp_path / "livria.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE reviews (mine TEXT)")
        connection.commit()

    with pytest.raises(StoreUnavailable, match="reviews"):
        migrate(address(path))

    assert schema(path) == {"reviews": "CREATE TABLE reviews (mine TEXT)"}


@pytest.mark.parametrize("place", ["nowhere/livria.db", "."])
def test_no_such_place(tmp_path: Path, place: str) -> None:
    """A file that cannot be made is unavailable, and it is named."""
    with pytest.raises(StoreUnavailable, match="unable to open") as caught:
        migrate(address(tmp_path / place))

    assert str(tmp_path) in caught.value.detail


def test_no_database(tmp_path: Path) -> None:
    """A file that is no database is unavailable, and it is named."""
    path = tmp_path / "notes.txt"
    path.write_text("This is no database. " * 100)

    with pytest.raises(StoreUnavailable, match=r"notes\.txt"):
        migrate(address(path))


@pytest.mark.parametrize("name", ["with space", "한글", "a@b:c", "a&b=c;d+e"])
def test_names_of_folders(tmp_path: Path, name: str) -> None:
    """A path is taken as it is written."""
    path = tmp_path / name / "livria.db"
    path.parent.mkdir()

    migrate(address(path))

    assert path.exists()


def test_migrating_from_the_first_version(tmp_path: Path) -> None:
    """A database of the first version becomes what a new one is, and keeps what is in it."""
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    engine = create_engine(address(old), poolclass=NullPool)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO books VALUES (7, 'Emma', 'Jane', '', '', 3, 1, 0)")
    assert "idempotency_keys_by_age" in schema(old)

    migrate(address(old))
    migrate(address(new))

    assert schema(old) == schema(new)
    assert rows(old, "SELECT id, title, last_seq FROM books") == [(7, "Emma", 3)]
