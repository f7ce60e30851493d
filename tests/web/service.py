"""The application in this process: its parts, and clients of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from livria_sse.application import create_app
from livria_sse.auth import passwords
from livria_sse.models import Account, Position
from livria_sse.settings import Settings
from livria_sse.tallies import Tallies
from livria_sse.web.state import State
from tests.factories import add_account
from tests.parts import GENEROUS
from tests.parts.database import new_database

HOST = "livria.test"

#: Real argon2 with little work: what the work is, `tests/auth` looks at.
LITTLE_WORK = partial(PasswordHasher, time_cost=1, memory_cost=64, parallelism=1)


class Service:
    """The application with everything that its lifespan has opened."""

    def __init__(self, app: Starlette, state: State) -> None:
        self.app = app
        self.store = state["store"]
        self.auth = state["auth"]
        self.hub = state["hub"]
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application as a server calls it, with the state in the scope."""
        await self.app({**scope, "state": dict(self._state)}, receive, send)

    def client(self, *, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client with cookies of its own, signed in by a token if there is one."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self, raise_app_exceptions=False),
            base_url=f"http://{HOST}",
            headers=headers,
        )

    async def account(self, username: str, *, staff: bool = False) -> Account:
        """Somebody with an account, whose password nobody knows."""
        return await add_account(self.store, username, staff=staff)

    async def session(self, username: str, *, staff: bool = False) -> str:
        """The token of somebody who has just got an account and signed in."""
        account = await self.account(username, staff=staff)
        return (await self.auth.open_session(account)).token

    @asynccontextmanager
    async def signed_in(self, username: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client of somebody new."""
        async with self.client(token=await self.session(username)) as client:
            yield client

    async def head(self, book_id: int) -> int:
        """How many changes of a book there have been."""
        return (await self.store.changes.head(book_id)).head

    async def heads(self) -> dict[int, int]:
        """How many changes of each book there have been."""
        books = await self.store.books.page(after=0, limit=1000, reviews=0)
        return {book.id: book.head for book, _ in books}

    async def streaming(self) -> None:
        """Waits until a stream is open."""
        with anyio.fail_after(10):
            while not self.hub.statistics().streams:
                await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def serving(
    folder: Path, tallies: Tallies | None = None, **settings: Any
) -> AsyncIterator[Service]:
    """The application on a database of its own, with the sample books."""
    path = folder / "livria.db"
    if not path.exists():
        new_database(path)
    url = f"sqlite:///{path}"
    app = create_app(Settings(**{"database_url": url, **GENEROUS, **settings}), tallies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", LITTLE_WORK)
        lifespan = app.router.lifespan_context(app)
        state = await lifespan.__aenter__()
    try:
        yield Service(app, cast("State", state))
    finally:
        await lifespan.__aexit__(None, None, None)


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem in an answer, which is one to the letter (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.content.decode())
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert problem["type"] == "about:blank"
    assert problem["status"] == answer.status_code
    assert isinstance(problem["title"], str)
    assert problem["title"]
    assert isinstance(problem["detail"], str)
    assert problem["detail"]
    assert_reasons(problem["errors"])
    return problem


def assert_reasons(errors: Mapping[str, object]) -> None:
    """Each field has a list of sentences."""
    for field, reasons in errors.items():
        assert isinstance(field, str)
        assert isinstance(reasons, list)
        assert reasons
        assert all(isinstance(reason, str) and reason for reason in reasons)


def seq_of(position: str) -> int:
    """The number in a position."""
    parsed = Position.parse(position)
    assert parsed, f"{position!r} is no position"
    return parsed.seq
