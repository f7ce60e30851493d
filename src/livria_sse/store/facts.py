"""Facts about the database itself: its epoch."""

from __future__ import annotations

from livria_sse.models import new_epoch
from livria_sse.store.database import Connection, Database

_EPOCH = "SELECT value FROM facts WHERE name = 'epoch'"
_SET_EPOCH = "UPDATE facts SET value = :epoch WHERE name = 'epoch' RETURNING value"


class Facts:
    """Facts about the database itself."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def epoch(self) -> str:
        """The word that names this life of the database."""

        async def query(connection: Connection) -> str:
            row = await connection.one(_EPOCH)
            assert row is not None, "the first migration makes the epoch"  # noqa: S101
            return str(row["value"])

        return await self._database.read(query)

    async def renew_epoch(self) -> str:
        """Begins a new life, so that no position of before is understood any more."""

        async def query(connection: Connection) -> str:
            epoch = new_epoch()
            await connection.one(_SET_EPOCH, epoch=epoch)
            return epoch

        return await self._database.write(query)
