"""Accounts and sessions in the store."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pytest
from tests.factories import add_account
from tests.store.conftest import Execute

from livria_sse.errors import InvalidToken, UnknownAccount, UsernameTaken
from livria_sse.models import Account
from livria_sse.store import Store

TOKEN = "Zm9yIHRlc3RzIG9ubHksIGJ1dCBsb25nIGVub3VnaA"
DAY = timedelta(days=1)


async def password_hash(store: Store, username: str) -> str | None:
    """The hash of somebody's password."""
    known = await store.accounts.named(username)
    assert known
    return known.password_hash


async def test_created_accounts(store: Store) -> None:
    """An account is found by its name, with the hash that it was given, and is no staff."""
    created = await store.accounts.create("민아", "a hash")

    known = await store.accounts.named("민아")

    assert known
    assert known.account == created
    assert known.password_hash == "a hash"
    assert created.user.username == "민아"
    assert not created.staff


async def test_unknown_names(store: Store) -> None:
    """A name that nobody has is nobody's."""
    await add_account(store, "mina")

    assert await store.accounts.named("min") is None
    assert await store.accounts.named("") is None
    assert await store.accounts.named("mina%") is None
    assert await store.accounts.named("mina\0") is None


@pytest.mark.parametrize(
    ("first", "second"),
    [("mina", "mina"), ("Mina", "mINA"), ("Zoë", "ZOË"), ("Straße", "STRASSE"), ("ΣΑΣ", "σας")],
)
async def test_case_makes_no_difference(store: Store, first: str, second: str) -> None:
    """Names that differ only in upper and lower case are one name; it is shown as it was chosen."""
    created = await add_account(store, first)

    with pytest.raises(UsernameTaken) as caught:
        await add_account(store, second)

    assert set(caught.value.errors) == {"username"}
    known = await store.accounts.named(second)
    assert known
    assert known.account == created
    assert created.user.username == first


async def test_one_of_many_gets_it(store: Store) -> None:
    """Of many who choose one name at once, one gets it."""
    results = await asyncio.gather(
        *(add_account(store, "mina") for _ in range(10)), return_exceptions=True
    )

    assert sum(isinstance(result, Account) for result in results) == 1
    assert sum(isinstance(result, UsernameTaken) for result in results) == 9


async def test_staff_can_be_made(store: Store) -> None:
    """Somebody becomes staff, and is so no more, by name in any case."""
    mina = await add_account(store, "mina")

    made = await store.accounts.set_staff("MINA", staff=True)
    assert made == Account(user=mina.user, staff=True)
    unmade = await store.accounts.set_staff("mina", staff=False)
    assert unmade == mina


async def test_staff_from_the_beginning(store: Store) -> None:
    """An account can be staff from the beginning."""
    assert (await add_account(store, "admin", staff=True)).staff


async def test_nobody_is_no_staff(store: Store) -> None:
    """Nobody cannot be made staff."""
    await add_account(store, "mina")

    with pytest.raises(UnknownAccount):
        await store.accounts.set_staff("june", staff=True)


async def test_stronger_hashes(store: Store) -> None:
    """The hash of one account's password can be replaced, and of no other."""
    mina, _ = await add_account(store, "mina"), await add_account(store, "june")

    await store.accounts.set_password_hash(mina, "stronger")

    assert await password_hash(store, "mina") == "stronger"
    assert await password_hash(store, "june") == "no hash"


async def test_sessions_name_accounts(store: Store) -> None:
    """A token is the account's for which it was made; any other is nobody's."""
    mina = await add_account(store, "mina")
    await store.sessions.create(TOKEN, mina, lifetime=DAY)

    assert await store.sessions.account(TOKEN) == mina
    for other in ("", TOKEN[:-1], TOKEN.lower(), hashed(TOKEN), "\ud800", "x" * 100_000):
        with pytest.raises(InvalidToken):
            await store.sessions.account(other)


def hashed(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def bytes_on_disk(folder: Path) -> bytes:
    """All that is in the database's files, the write-ahead log too."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("livria.db*")))


async def test_tokens_are_not_stored(
    store: Store, execute: Execute, database_url: str, tmp_path: Path
) -> None:
    """Nothing in the database is the token: it has the hash alone."""
    mina = await add_account(store, "mina")
    await store.sessions.create(TOKEN, mina, lifetime=DAY)

    assert execute("SELECT token_hash, account_id FROM sessions") == [(hashed(TOKEN), mina.user.id)]
    if database_url.startswith("sqlite:"):
        assert hashed(TOKEN).encode() in bytes_on_disk(tmp_path)
        assert TOKEN.encode() not in bytes_on_disk(tmp_path)


async def test_sessions_follow_accounts(store: Store) -> None:
    """A session knows at once that its account has become staff."""
    mina = await add_account(store, "mina")
    await store.sessions.create(TOKEN, mina, lifetime=DAY)

    staff = await store.accounts.set_staff("mina", staff=True)

    assert await store.sessions.account(TOKEN) == staff


async def test_sessions_end(store: Store, execute: Execute) -> None:
    """A session lasts as long as was said, and no longer."""
    mina = await add_account(store, "mina")
    await store.sessions.create(TOKEN, mina, lifetime=DAY)
    age = "UPDATE sessions SET expires_at = expires_at - ?"

    execute(age, 24 * 60 * 60 * 1_000 - 60_000)
    assert await store.sessions.account(TOKEN) == mina
    execute(age, 60_000)
    with pytest.raises(InvalidToken):
        await store.sessions.account(TOKEN)


async def test_ended_sessions_go(store: Store, execute: Execute) -> None:
    """A new session takes those away that have ended, and no other."""
    mina = await add_account(store, "mina")
    await store.sessions.create("ended", mina, lifetime=timedelta())
    await store.sessions.create("lasting", mina, lifetime=DAY)

    await store.sessions.create(TOKEN, mina, lifetime=DAY)

    kept = execute("SELECT token_hash FROM sessions")
    assert sorted(kept) == sorted([(hashed("lasting"),), (hashed(TOKEN),)])


async def test_sessions_are_revoked(store: Store) -> None:
    """A revoked session is over, others of the same account are not; twice does no harm."""
    mina = await add_account(store, "mina")
    await store.sessions.create(TOKEN, mina, lifetime=DAY)
    await store.sessions.create("other", mina, lifetime=DAY)

    await store.sessions.revoke(TOKEN)
    await store.sessions.revoke(TOKEN)
    await store.sessions.revoke("never was")

    with pytest.raises(InvalidToken):
        await store.sessions.account(TOKEN)
    assert await store.sessions.account("other") == mina


async def test_subjects_become_accounts(store: Store) -> None:
    """Who is known to the site's login gets an account on first use, and the same ever after."""
    first = await store.accounts.of_subject("https://login|7", "mina")
    again = await store.accounts.of_subject("https://login|7", "renamed")

    assert again == first
    assert first.user.username == "mina"
    assert not first.staff
    assert await password_hash(store, "mina") is None
    assert await store.accounts.named("renamed") is None


async def test_taken_names_get_numbers(store: Store) -> None:
    """Where a name is taken, in whatever case, a number is put behind it."""
    await add_account(store, "Mina")

    subjects = [await store.accounts.of_subject(f"login|{n}", "mina") for n in range(3)]

    names = {account.user.username for account in subjects}
    assert len(names) == 3
    assert all(re.fullmatch(r"mina-[0-9]{1,6}", name) for name in names)


async def test_first_uses_at_once(store: Store, execute: Execute) -> None:
    """However many requests of one new subject come together, one account is made."""
    accounts = await asyncio.gather(
        *(store.accounts.of_subject("login|7", "mina") for _ in range(20))
    )

    assert len(set(accounts)) == 1
    assert execute("SELECT count(*) FROM accounts") == [(1,)]


async def test_namesakes_at_once(store: Store) -> None:
    """Subjects of the same name who come together get a name each."""
    accounts = await asyncio.gather(
        *(store.accounts.of_subject(f"login|{n}", "mina") for n in range(10))
    )

    assert len({account.user.id for account in accounts}) == 10
    assert len({account.user.username for account in accounts}) == 10


async def test_subjects_are_exact(store: Store) -> None:
    """Subjects that differ in anything, in case too, are different people."""
    accounts = [
        await store.accounts.of_subject(subject, "mina")
        for subject in ("login|a", "login|A", "login|a ", "|login|a", "")
    ]

    assert len({account.user.id for account in accounts}) == 5
