"""Brings a database's tables to this version, with alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from livria_sse.errors import StoreUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Creates or changes the tables as this version needs them; does nothing if they are right.

    All steps are one transaction. It takes the write lock before it looks, so that two processes
    that start at once do not both migrate.

    Raises:
        StoreUnavailable: It cannot be opened, or belongs to another version.
    """
    engine = create_engine(url, poolclass=NullPool)
    # sqlite3 would begin transactions by itself, later than the first look and not around DDL.
    event.listen(engine, "connect", _begin_nothing_by_itself)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DatabaseError as error:
        raise StoreUnavailable(f"{url}: {error.orig}") from error
    except CommandError as error:  # a revision that this version has never heard of
        raise StoreUnavailable(f"{url}: it belongs to another version: {error}") from error
    finally:
        engine.dispose()


def _begin_nothing_by_itself(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]
