"""Pushing through any ASGI server without a task for each push.

An ASGI `send` that need not wait finishes without ever suspending. So a push runs it right here, up
to the first point where it waits; nearly always there is none. Only what is left of one that does
wait, because the reader's socket is full, needs a task.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from types import coroutine
from typing import Any

#: What an ASGI server sends. One message, once made, is sent to every subscriber and not changed.
Message = Mapping[str, Any]
Send = Callable[[Any], Awaitable[None]]

#: No write is larger, so that a server's buffer for one reader stays bounded.
LARGEST_WRITE = 64 * 1024


def body_messages(data: bytes) -> tuple[Message, ...]:
    """The ASGI messages that carry some frames."""
    return tuple(
        {
            "type": "http.response.body",
            "body": data[start : start + LARGEST_WRITE],
            "more_body": True,
        }
        for start in range(0, len(data), LARGEST_WRITE)
    )


def step(running: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Runs a coroutine until it waits. Returns None if it ended, else what is left of it.

    The rest is to be awaited by a task, once. Whatever the coroutine raises is let through.
    """
    try:
        waits_for = running.send(None)
    except StopIteration:
        return None
    return _rest(running, waits_for)


@coroutine
def _rest(running: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    # What a coroutine yields is what a task expects to be given: the future that it waits for.
    # `yield from` would begin by resuming it, before that future is done.
    try:
        while True:
            try:
                yield waits_for
            except GeneratorExit:
                running.close()
                raise
            except BaseException as error:  # it belongs to the coroutine
                waits_for = running.throw(error)
            else:
                waits_for = running.send(None)
    except StopIteration:
        return
