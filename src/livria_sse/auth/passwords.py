"""Passwords: hashed with argon2, in a few threads of their own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

#: A hash takes tens of milliseconds and 64 MiB. On the event loop it would halt every stream; in
#: more threads at once, a crowd that signs in would take all cores and much memory.
THREADS = 2
#: Lanes that a hash is computed in at once. With argon2's usual four it takes every core of a small
#: machine, and a review that is posted meanwhile 8 ms longer (p99, measured).
LANES = 1
#: How far these stand behind in the queue for the processor (nice(2)): where there is one core, a
#: hash would hold up the event loop for 20 to 50 ms (measured).
NICE = 10


class Passwords:
    """Hashes passwords and checks them."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._hasher = PasswordHasher(parallelism=LANES)
        # Checked when there is no account, so that the answer takes as long as if there were.
        self._nobodys = self._hasher.hash("")

    async def hash(self, password: str) -> str:
        """The hash to store, in argon2's own format with salt and parameters."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is the password's; with no hash it never is, and takes as long."""

        def check() -> bool:
            try:
                return self._hasher.verify(password_hash or self._nobodys, password)
            except (VerificationError, InvalidHashError):
                return False

        return await self._in_thread(check) and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@asynccontextmanager
async def open_passwords() -> AsyncIterator[Passwords]:
    """Passwords, with threads that end when it is left."""
    threads = ThreadPoolExecutor(
        THREADS, thread_name_prefix="livria-password", initializer=_give_way
    )
    with threads:
        yield Passwords(threads)


def _give_way() -> None:
    if sys.platform == "linux":  # elsewhere, 0 is not this thread but all of the process
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
