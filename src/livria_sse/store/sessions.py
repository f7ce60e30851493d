"""Sessions: sign-ins that last. Tokens are never stored, only their hashes."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from livria_sse.errors import InvalidToken
from livria_sse.models import Account
from livria_sse.store.accounts import ACCOUNT_COLUMNS, account_of
from livria_sse.store.database import Connection, Database, Query
from livria_sse.store.times import milliseconds, now

_CREATE = """
INSERT INTO sessions (token_hash, account_id, created_at, expires_at)
VALUES (:token_hash, :account, :now, :expires_at)
"""
_FIND = f"""
SELECT {ACCOUNT_COLUMNS} FROM sessions JOIN accounts ON accounts.id = account_id
WHERE token_hash = :token_hash AND expires_at > :now
"""
_REVOKE = "DELETE FROM sessions WHERE token_hash = :token_hash"
# A few at a time, so that nobody has to wait for long who signs in after a pause.
_FORGET_EXPIRED = """
DELETE FROM sessions WHERE token_hash IN (
    SELECT token_hash FROM sessions WHERE expires_at <= :now ORDER BY expires_at LIMIT 100
)
"""


class Sessions:
    """The sign-ins that are valid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, token: str, account: Account, *, lifetime: timedelta) -> None:
        """Makes the token valid for the account from now on; forgets what has expired."""

        async def query(connection: Connection) -> None:
            moment = now()
            await connection.run(_FORGET_EXPIRED, now=milliseconds(moment))
            await connection.run(
                _CREATE,
                token_hash=_hash(token),
                account=account.user.id,
                now=milliseconds(moment),
                expires_at=milliseconds(moment + lifetime),
            )

        await self._database.write(query)

    async def account(self, token: str) -> Account:
        """Whose valid token this is.

        Raises:
            InvalidToken: Nobody's, or no longer.
        """
        return await self._database.read(self.holder(token))

    def holder(self, token: str) -> Query[Account]:
        """The same, to be asked in the transaction of what they want to do."""

        async def query(connection: Connection) -> Account:
            row = await connection.one(_FIND, token_hash=_hash(token), now=milliseconds(now()))
            if row is None:
                raise InvalidToken
            return account_of(row)

        return query

    async def revoke(self, token: str) -> None:
        """Makes the token invalid."""

        async def query(connection: Connection) -> None:
            await connection.run(_REVOKE, token_hash=_hash(token))

        await self._database.write(query)


def _hash(token: str) -> str:
    # A token is random and long: a fast hash without salt cannot be searched.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
