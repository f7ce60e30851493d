"""Alembic, which runs the migrations that a database lacks."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection


def upgrade(connection: Connection, migrations: Path) -> None:
    """Runs those in a folder that were not run, on a connection in a transaction.

    Raises:
        ValueError: The database has a version that none of them leads to.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ValueError(f"it belongs to another version: {error}") from error
