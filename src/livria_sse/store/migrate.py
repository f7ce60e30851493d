"""Brings a database's tables to this version, with alembic if anything is to be done."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from livria_sse.errors import StoreUnavailable
from livria_sse.store.addresses import cannot_open, connect_options, on_postgres

MIGRATIONS = Path(__file__).parent / "migrations"
#: The number of the lock that whoever migrates PostgreSQL holds: "livria" as bytes.
POSTGRES_LOCK = int.from_bytes(b"livria")
#: How long one step on PostgreSQL may take, or wait for another process that migrates.
STEP_SECONDS = 600.0


def migrate(url: str) -> None:
    """Creates or changes the tables as this version needs them; does nothing if they are right.

    All steps are one transaction. It takes a lock before it looks, so that two processes that start
    at once do not both migrate. To be called where no event loop runs.

    Raises:
        StoreUnavailable: It cannot be opened, or belongs to another version.
    """
    try:
        if on_postgres(url):
            asyncio.run(_migrate_postgres(url))
        else:
            _migrate_sqlite(url)
    except DatabaseError as error:
        raise cannot_open(url, error.orig) from error
    except (SQLAlchemyError, OSError, ValueError) as error:
        raise cannot_open(url, error) from error


def _migrate_sqlite(url: str) -> None:
    engine = create_engine(url, poolclass=NullPool)
    # sqlite3 would begin transactions by itself, later than the first look and not around DDL.
    event.listen(engine, "connect", _begin_nothing_by_itself)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            _upgrade(connection)
    finally:
        engine.dispose()


async def _migrate_postgres(url: str) -> None:
    try:  # an extra
        import asyncpg  # noqa: PLC0415
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    except ImportError as error:
        message = "PostgreSQL needs: pip install 'livria-sse[postgres]'"
        raise StoreUnavailable(message) from error

    async def connect() -> object:
        try:
            return await asyncpg.connect(**connect_options(url), command_timeout=STEP_SECONDS)
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            raise OSError(error) from error

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({POSTGRES_LOCK})"))
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    if _version(connection) == newest():
        return
    # Large, and needed by one start of many: the others begin a tenth of a second sooner.
    from livria_sse.store.upgrade import upgrade  # noqa: PLC0415

    upgrade(connection, MIGRATIONS)


def newest() -> str:
    """The version that the last of the migrations leads to."""
    files = MIGRATIONS.glob("versions/[0-9]*.py")
    return max(file.stem.partition("_")[0] for file in files)


def _version(connection: Connection) -> object:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _begin_nothing_by_itself(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]
