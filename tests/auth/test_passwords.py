"""Passwords: argon2id, in threads of their own, with the same work for everybody."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from livria_sse.auth import Auth, SiteTokens, open_passwords
from livria_sse.auth.passwords import NICE, THREADS, Passwords
from livria_sse.errors import WrongCredentials
from livria_sse.settings import Settings
from livria_sse.store import Store

PASSWORD = "correct horse battery"
WEAKER = PasswordHasher(time_cost=1, memory_cost=1024)


class Work(NamedTuple):
    """One use of argon2."""

    verb: str
    #: The hash that was made, or checked.
    hash: str
    thread: threading.Thread
    #: Of the thread.
    nice: int


def nice() -> int:
    """How far the present thread stands behind in the queue for the processor."""
    return os.getpriority(os.PRIO_PROCESS, 0)


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """Passwords with the real parameters."""
    async with open_passwords() as passwords:
        yield passwords


@pytest.fixture
def auth(store: Store, passwords: Passwords, settings: Settings) -> Auth:
    """Who is asking, with the real parameters."""
    return Auth(store, passwords, SiteTokens(settings), lifetime=timedelta(days=1))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[Work]:
    """What argon2 is used for, as it goes on being used."""
    done: list[Work] = []
    hash_, verify = PasswordHasher.hash, PasswordHasher.verify

    def hashing(hasher: PasswordHasher, password: str) -> str:
        made = hash_(hasher, password)
        done.append(Work("hash", made, threading.current_thread(), nice()))
        return made

    def verifying(hasher: PasswordHasher, hash: str, password: str) -> bool:
        done.append(Work("verify", hash, threading.current_thread(), nice()))
        return verify(hasher, hash, password)

    monkeypatch.setattr(PasswordHasher, "hash", hashing)
    monkeypatch.setattr(PasswordHasher, "verify", verifying)
    return done


async def test_hashes_are_argon2id(passwords: Passwords) -> None:
    """A hash is argon2id with at least the memory and passes that OWASP asks for."""
    parameters = extract_parameters(await passwords.hash(PASSWORD))
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
    assert parameters.salt_len >= 16


async def test_hashes_leave_cores_to_others(passwords: Passwords) -> None:
    """A hash is made on one core, however many there are: reviews are pushed meanwhile."""
    assert extract_parameters(await passwords.hash(PASSWORD)).parallelism == 1


async def test_equal_passwords_hash_differently(passwords: Passwords) -> None:
    """Every hash has a salt of its own, and both match the password that they share."""
    first, second = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
    assert first != second
    assert await passwords.matches(PASSWORD, first)
    assert await passwords.matches(PASSWORD, second)
    assert not await passwords.matches(PASSWORD + "!", first)


async def test_damaged_hash_matches_nothing(passwords: Passwords) -> None:
    """A hash that is none is nobody's password, and no error."""
    assert not await passwords.matches(PASSWORD, "no hash")
    assert not await passwords.matches("", "no hash")


async def test_unknown_user_costs_equal_work(passwords: Passwords, work: list[Work]) -> None:
    """Without a hash, one of equal parameters is checked all the same."""
    real = await passwords.hash(PASSWORD)
    work.clear()
    assert not await passwords.matches(PASSWORD, None)
    (checked,) = work
    assert checked.verb == "verify"
    assert extract_parameters(checked.hash) == extract_parameters(real)


async def test_sign_in_checks_once(auth: Auth, work: list[Work]) -> None:
    """A sign-in is one check of a hash, whether there is such an account or not."""
    await auth.sign_up("mina", PASSWORD)
    for username in ("mina", "nobody"):
        work.clear()
        with pytest.raises(WrongCredentials):
            await auth.sign_in(username, "wrong password")
        assert [each.verb for each in work] == ["verify"]


@pytest.mark.parametrize("password", ["", "nobody", PASSWORD])
async def test_nobody_has_no_password(passwords: Passwords, password: str) -> None:
    """No password matches where there is no hash, not even the one that is checked instead."""
    assert not await passwords.matches(password, None)


async def test_loop_never_hashes(passwords: Passwords, work: list[Work]) -> None:
    """Hashes are made and checked in threads other than the event loop's."""
    made = await passwords.hash(PASSWORD)
    await passwords.matches(PASSWORD, made)
    await passwords.matches(PASSWORD, None)
    assert [each.verb for each in work] == ["hash", "verify", "verify"]
    assert threading.current_thread() not in [each.thread for each in work]


async def test_few_threads_hash(passwords: Passwords, work: list[Work]) -> None:
    """A crowd that signs up together is hashed by a few threads."""
    await asyncio.gather(*(passwords.hash(f"{PASSWORD} {n}") for n in range(3 * THREADS)))
    assert len(work) == 3 * THREADS
    assert len({each.thread for each in work}) <= THREADS


@pytest.mark.skipif(sys.platform != "linux", reason="only there a thread has one of its own")
async def test_hashing_gives_way(passwords: Passwords, work: list[Work]) -> None:
    """Whoever hashes stands behind the event loop in the queue for the processor."""
    await passwords.hash(PASSWORD)
    (hashed,) = work

    assert hashed.nice == min(nice() + NICE, 19)


async def test_threads_end() -> None:
    """When the passwords are closed, their threads are gone."""
    before = set(threading.enumerate())
    async with open_passwords() as passwords:
        await passwords.matches(PASSWORD, None)
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) <= before


async def test_sign_in_renews_outdated_hash(auth: Auth, store: Store, passwords: Passwords) -> None:
    """Who signs in with a hash of yesterday's parameters has one of today's afterwards."""
    await store.accounts.create("mina", WEAKER.hash(PASSWORD))
    await auth.sign_in("mina", PASSWORD)
    renewed = await store.accounts.named("mina")
    assert renewed
    assert renewed.password_hash
    assert extract_parameters(renewed.password_hash) == extract_parameters(
        await passwords.hash(PASSWORD)
    )
    assert await auth.sign_in("mina", PASSWORD)


async def test_wrong_password_renews_nothing(auth: Auth, store: Store) -> None:
    """A sign-in that fails leaves the stored hash as it is."""
    outdated = WEAKER.hash(PASSWORD)
    await store.accounts.create("mina", outdated)
    with pytest.raises(WrongCredentials):
        await auth.sign_in("mina", "wrong password")
    kept = await store.accounts.named("mina")
    assert kept
    assert kept.password_hash == outdated


async def test_present_hash_stays(auth: Auth, store: Store, work: list[Work]) -> None:
    """Who signs in with a hash of today's parameters keeps it, and it is not made again."""
    await auth.sign_up("mina", PASSWORD)
    work.clear()
    await auth.sign_in("mina", PASSWORD)
    assert [each.verb for each in work] == ["verify"]
