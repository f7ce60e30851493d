"""Writers, and a book in which they keep what was accepted."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

#: How long a writer rests between two requests.
REST_SECONDS = 0.03


@dataclass(eq=False)
class Ledger:
    """What was asked for, and what became of it."""

    #: Of each review that a POST was answered 201 for: the text that was accepted last; None if
    #: its deletion was.
    accepted: dict[int, str | None] = field(default_factory=dict)
    #: Reviews whose last request broke off, so that nobody knows what became of it.
    unknown: set[int] = field(default_factory=set)
    #: The same for POSTs, by their texts.
    unsure: set[str] = field(default_factory=set)
    #: When each text that stays as it is was accepted, in the event loop's time.
    accepted_at: dict[str, float] = field(default_factory=dict)
    #: How long each POST took, whatever its answer.
    seconds: list[float] = field(default_factory=list)
    #: Requests that were not answered.
    broken: list[httpx.TransportError] = field(default_factory=list)
    #: Answers other than 2xx.
    refused: list[httpx.Response] = field(default_factory=list)
    texts: Iterator[int] = field(default_factory=itertools.count)

    def p99(self) -> float:
        """How long all but a hundredth of the POSTs took at most."""
        return sorted(self.seconds)[int(0.99 * (len(self.seconds) - 1))]


class Writer:
    """Somebody who posts to a book at one of the processes, and edits and deletes what they wrote.

    Every other review stays as it is, so that it can be told when it came to a page.
    """

    def __init__(self, url: str, token: str, book: int, ledger: Ledger) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._book = book
        self._ledger = ledger
        self._changeable: list[int] = []

    async def write(self) -> None:
        """Writes until it is cancelled, and finishes the request that is under way."""
        async with httpx.AsyncClient(
            base_url=self._url,
            headers=self._headers,
            timeout=30,
            verify=False,  # noqa: S501 - a proxy here has a certificate of its own making
        ) as client:
            for number in itertools.count():
                one = asyncio.ensure_future(self._one(client, number))
                try:
                    await asyncio.shield(one)
                except asyncio.CancelledError:
                    await one
                    raise
                await asyncio.sleep(REST_SECONDS)

    async def _one(self, client: httpx.AsyncClient, number: int) -> None:
        try:
            match number % 4:
                case 0 | 2:
                    await self._post(client, stays=number % 4 == 0)
                case 1 if self._changeable and number % 8 == 5:
                    await self._delete(client, self._changeable.pop())
                case 1 | 3 if self._changeable:
                    await self._edit(client, self._changeable[-1])
        except httpx.TransportError as error:
            self._ledger.broken.append(error)  # the process is not there; what it did is not known

    async def _post(self, client: httpx.AsyncClient, *, stays: bool) -> None:
        text = f"text {next(self._ledger.texts)}"
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._ledger.unsure.add(text)
        answer = await client.post("/api/reviews/", json={"book": self._book, "content": text})
        self._ledger.seconds.append(loop.time() - began)
        if answer.status_code != 201:
            self._ledger.refused.append(answer)
            return
        review = answer.json()["id"]
        self._ledger.unsure.discard(text)
        self._ledger.accepted[review] = text
        if stays:
            self._ledger.accepted_at[text] = loop.time()
        else:
            self._changeable.append(review)

    async def _edit(self, client: httpx.AsyncClient, review: int) -> None:
        text = f"text {next(self._ledger.texts)}"
        self._ledger.unknown.add(review)
        answer = await client.patch(f"/api/reviews/{review}/", json={"content": text})
        self._settle(answer, review, text)

    async def _delete(self, client: httpx.AsyncClient, review: int) -> None:
        self._ledger.unknown.add(review)
        self._settle(await client.delete(f"/api/reviews/{review}/"), review, None)

    def _settle(self, answer: httpx.Response, review: int, text: str | None) -> None:
        if answer.is_success:
            self._ledger.accepted[review] = text
            self._ledger.unknown.discard(review)
        else:  # 503 does not say what became of it
            self._ledger.refused.append(answer)
