"""Coroutines that are run without a task as far as they go."""

from __future__ import annotations

import asyncio

import pytest

from livria_sse.hub.stepping import step


async def test_what_need_not_wait_ends() -> None:
    """A coroutine that never waits is done when it has been stepped."""
    done = []

    async def work() -> None:
        done.append(1)

    assert step(work()) is None
    assert done == [1]


async def test_what_waits_is_handed_on() -> None:
    """A coroutine that waits goes on, in a task, where it stopped."""
    future = asyncio.get_running_loop().create_future()
    done = []

    async def work() -> None:
        done.append(await future)
        await asyncio.sleep(0)
        done.append("after another wait")

    rest = step(work())
    assert rest is not None
    task = asyncio.ensure_future(rest)
    future.set_result("first")
    await task

    assert done == ["first", "after another wait"]


async def test_errors_come_out() -> None:
    """What a coroutine raises comes out of the step, or of its rest."""

    async def fail_at_once() -> None:
        raise OSError("at once")

    async def fail_later() -> None:
        await asyncio.sleep(0)
        raise OSError("later")

    with pytest.raises(OSError, match="at once"):
        step(fail_at_once())
    rest = step(fail_later())
    assert rest is not None
    with pytest.raises(OSError, match="later"):
        await rest


async def test_cancelling_reaches_the_coroutine() -> None:
    """Cancelling the rest is felt inside the coroutine, which may clean up, even by waiting."""
    cleaned = []

    async def work() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            cleaned.append(1)

    rest = step(work())
    assert rest is not None
    task = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == [1]
