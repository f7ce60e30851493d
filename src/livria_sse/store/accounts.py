"""Accounts: who may write."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from livria_sse.errors import UnknownAccount, UsernameTaken
from livria_sse.models import Account, User
from livria_sse.store.database import Connection, Database, Row
from livria_sse.store.times import milliseconds, now

ACCOUNT_COLUMNS = "accounts.id, username, staff"

_CREATE = f"""
INSERT INTO accounts (username, username_key, password_hash, subject, staff, created_at)
VALUES (:username, :key, :password_hash, :subject, :staff, :now)
ON CONFLICT DO NOTHING RETURNING {ACCOUNT_COLUMNS}
"""
_BY_NAME = f"SELECT {ACCOUNT_COLUMNS}, password_hash FROM accounts WHERE username_key = :key"
_BY_SUBJECT = f"SELECT {ACCOUNT_COLUMNS} FROM accounts WHERE subject = :subject"
_SET_STAFF = f"""
UPDATE accounts SET staff = :staff WHERE username_key = :key RETURNING {ACCOUNT_COLUMNS}
"""
_SET_HASH = "UPDATE accounts SET password_hash = :password_hash WHERE id = :id"


class KnownAccount(NamedTuple):
    """An account and the hash of its password; None if it has none of its own."""

    account: Account
    password_hash: str | None


class Accounts:
    """All accounts. Usernames that differ only in upper and lower case are the same."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, username: str, password_hash: str, *, staff: bool = False) -> Account:
        """Adds an account.

        Raises:
            UsernameTaken: Somebody has the name.
        """

        async def query(connection: Connection) -> Account:
            row = await _insert(connection, username, password_hash=password_hash, staff=staff)
            if row is None:
                raise UsernameTaken(errors={"username": ["It is taken."]})
            return account_of(row)

        return await self._database.write(query)

    async def of_subject(self, subject: str, username: str) -> Account:
        """The account of somebody whom the site's existing login knows; made on first use.

        A name that is taken gets a number behind it: a random one, as counting would take as long
        as there are others of that name, while all other writes wait.
        """

        async def find(connection: Connection) -> Row | None:
            return await connection.one(_BY_SUBJECT, subject=subject)

        async def find_or_create(connection: Connection) -> Row:
            name = username
            while not (row := await find(connection)):
                await _insert(connection, name, subject=subject)
                name = f"{username}-{secrets.randbelow(10**6)}"
            return row

        row = await self._database.read(find)
        if row is None:
            row = await self._database.write(find_or_create)
        return account_of(row)

    async def named(self, username: str) -> KnownAccount | None:
        """The account with this name, if there is one."""

        async def query(connection: Connection) -> KnownAccount | None:
            row = await connection.one(_BY_NAME, key=username.casefold())
            return KnownAccount(account_of(row), row["password_hash"]) if row else None

        if "\0" in username:  # which PostgreSQL does not take for text at all
            return None
        return await self._database.read(query)

    async def set_staff(self, username: str, *, staff: bool) -> Account:
        """Lets an account change the reviews of others, or no longer.

        Raises:
            UnknownAccount: Nobody has the name.
        """

        async def query(connection: Connection) -> Account:
            row = await connection.one(_SET_STAFF, key=username.casefold(), staff=staff)
            if row is None:
                raise UnknownAccount
            return account_of(row)

        return await self._database.write(query)

    async def set_password_hash(self, account: Account, password_hash: str) -> None:
        """Replaces the hash of a password, as when hashing has become stronger."""

        async def query(connection: Connection) -> None:
            await connection.run(_SET_HASH, id=account.user.id, password_hash=password_hash)

        await self._database.write(query)


def account_of(row: Row) -> Account:
    """The account in a row of `ACCOUNT_COLUMNS`."""
    return Account(user=User(id=row["id"], username=row["username"]), staff=bool(row["staff"]))


async def _insert(
    connection: Connection,
    username: str,
    *,
    password_hash: str | None = None,
    subject: str | None = None,
    staff: bool = False,
) -> Row | None:
    return await connection.one(
        _CREATE,
        username=username,
        key=username.casefold(),
        password_hash=password_hash,
        subject=subject,
        staff=staff,
        now=milliseconds(now()),
    )
