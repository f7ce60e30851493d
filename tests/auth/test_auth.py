"""Accounts of our own: signing up, in and out, and the sessions that come of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from livria_sse.auth import Auth, SiteTokens, open_passwords, passwords
from livria_sse.errors import InvalidToken, UsernameTaken, WrongCredentials
from livria_sse.settings import Settings
from livria_sse.store import Store, sessions
from livria_sse.store.times import now
from tests.factories import add_account

PASSWORD = "correct horse battery"
LIFETIME = timedelta(days=30)
LITTLE_WORK = partial(PasswordHasher, time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
async def auth(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Auth]:
    """Who is asking, without a login of the site's own, and with passwords of little work."""
    monkeypatch.setattr(passwords, "PasswordHasher", LITTLE_WORK)
    async with open_passwords() as opened:
        yield Auth(store, opened, SiteTokens(settings), lifetime=LIFETIME)


class Clock:
    """What sessions take for the present."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that tests can put forward."""
    clock = Clock()
    monkeypatch.setattr(sessions, "now", clock)
    return clock


async def test_sign_up_then_in(auth: Auth) -> None:
    """Who has signed up can sign in, and the token says who they are."""
    account = await auth.sign_up("mina", PASSWORD)
    signed_in = await auth.sign_in("mina", PASSWORD)
    assert signed_in.account == account
    assert await auth.account(signed_in.token) == account
    assert account.user.username == "mina"
    assert not account.staff


async def test_names_differ_beyond_case(auth: Auth, store: Store) -> None:
    """A name that differs from somebody's in upper and lower case alone is taken."""
    await add_account(store, "Mina")
    for taken in ("Mina", "mina", "MINA"):
        with pytest.raises(UsernameTaken):
            await auth.sign_up(taken, PASSWORD)


async def test_sign_in_ignores_case(auth: Auth) -> None:
    """The name may be given in any case; the password may not."""
    account = await auth.sign_up("Mina", PASSWORD)
    assert (await auth.sign_in("mINA", PASSWORD)).account == account
    with pytest.raises(WrongCredentials):
        await auth.sign_in("Mina", PASSWORD.upper())


async def test_refusals_tell_nothing(auth: Auth) -> None:
    """A wrong password and an unknown name are refused in the same words."""
    await auth.sign_up("mina", PASSWORD)
    with pytest.raises(WrongCredentials) as wrong:
        await auth.sign_in("mina", "wrong password")
    with pytest.raises(WrongCredentials) as unknown:
        await auth.sign_in("nobody", PASSWORD)
    assert wrong.value.detail == unknown.value.detail
    assert wrong.value.errors == unknown.value.errors


async def test_site_accounts_have_no_password(auth: Auth, store: Store) -> None:
    """An account that the site's login made cannot be signed in to with any password."""
    await store.accounts.of_subject("site|1", "mina")
    for password in ("", PASSWORD):
        with pytest.raises(WrongCredentials):
            await auth.sign_in("mina", password)


async def test_sign_out_ends_one_session(auth: Auth, store: Store) -> None:
    """A session that is signed out is over; others of the same person go on."""
    account = await add_account(store)
    phone, laptop = await auth.open_session(account), await auth.open_session(account)
    await auth.sign_out(phone.token)
    with pytest.raises(InvalidToken):
        await auth.account(phone.token)
    assert await auth.account(laptop.token) == account
    await auth.sign_out(phone.token)


async def test_sessions_expire(auth: Auth, store: Store, clock: Clock) -> None:
    """A session is valid until its lifetime is over, and not a moment longer."""
    signed_in = await auth.open_session(await add_account(store))
    clock.ahead = LIFETIME - timedelta(minutes=1)
    assert await auth.account(signed_in.token) == signed_in.account
    clock.ahead = LIFETIME
    with pytest.raises(InvalidToken):
        await auth.account(signed_in.token)


async def test_expired_sessions_are_forgotten(
    auth: Auth, store: Store, clock: Clock, tmp_path: Path
) -> None:
    """A new session clears away those that are over."""
    account = await add_account(store)
    for _ in range(3):
        await auth.open_session(account)
    clock.ahead = LIFETIME
    await auth.open_session(account)
    assert _rows(tmp_path / "livria.db", "SELECT token_hash FROM sessions") == 1


async def test_staff_counts_at_once(auth: Auth, store: Store) -> None:
    """A session that is open already becomes the staff's when its account does."""
    signed_in = await auth.open_session(await add_account(store))
    await store.accounts.set_staff("mina", staff=True)
    assert (await auth.account(signed_in.token)).staff


async def test_tokens_are_opaque(auth: Auth, store: Store) -> None:
    """A token is long, random and without parts, and never the same again."""
    account = await add_account(store, "mina")
    first, second = [(await auth.open_session(account)).token for _ in range(2)]
    assert first != second
    assert re.fullmatch(r"[\w-]{43,}", first, re.ASCII)
    assert "mina" not in first


async def test_tokens_are_stored_hashed(auth: Auth, store: Store, tmp_path: Path) -> None:
    """Who reads the files of the database finds no token and no password in them."""
    account = await auth.sign_up("mina", PASSWORD)
    token = (await auth.open_session(account)).token
    files = _bytes_in(tmp_path)
    assert b"mina" in files
    assert b"$argon2id$" in files
    assert token.encode() not in files
    assert PASSWORD.encode() not in files


async def test_garbage_is_invalid(auth: Auth) -> None:
    """What was never a token is refused like one that is over."""
    for token in ["", "x", "a.b.c", "..", "\0", "\ud800", "é", "x" * 100_000, "' OR 1=1 --"]:
        with pytest.raises(InvalidToken):
            await auth.account(token)


def _bytes_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def _rows(database: Path, sql: str) -> int:
    connection = sqlite3.connect(database)
    try:
        return len(connection.execute(sql).fetchall())
    finally:
        connection.close()
