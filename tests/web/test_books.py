"""Books over HTTP, each with its newest reviews and the position at which they were read."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

import httpx
import pytest

from livria_sse.web import answers
from tests.web.service import Service, problem_of, seq_of

BOOK = 10
KEYS = {"id", "title", "author", "description", "cover", "reviews", "review_count", "position"}


async def book(client: httpx.AsyncClient, book_id: int = BOOK) -> Any:
    """A book as it is now."""
    return (await client.get(f"/api/books/{book_id}/")).raise_for_status().json()


async def post(somebody: httpx.AsyncClient, content: str = "좋아요", *, to: int = BOOK) -> Any:
    """Posts a review; the review."""
    answer = await somebody.post("/api/reviews/", json={"book": to, "content": content})
    return answer.raise_for_status().json()


def told(review: dict[str, Any]) -> dict[str, Any]:
    """A review as it is told with its book: without a position of its own."""
    return {key: value for key, value in review.items() if key != "position"}


async def test_book_is_described(client: httpx.AsyncClient, service: Service) -> None:
    """A book has its description, its reviews, their number and their position."""
    answer = await client.get("/api/books/1/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert set(document) == KEYS
    assert document["id"] == 1
    assert document["title"] == "진달래꽃"
    assert document["author"] == "김소월"
    assert document["description"]
    assert document["cover"].startswith("/static/covers/")
    assert (await client.get(document["cover"])).status_code == 200
    assert document["reviews"] == []
    assert document["review_count"] == 0
    assert document["position"] == f"{service.store.epoch}-0"


async def test_book_has_newest_reviews(mina: httpx.AsyncClient, jun: httpx.AsyncClient) -> None:
    """A book's reviews are the newest first, as they were answered to their authors."""
    first = await post(mina, "하나")
    second = await post(jun, "둘")
    document = await book(mina)
    assert document["reviews"] == [told(second), told(first)]
    assert document["review_count"] == 2
    assert document["position"] == second["position"]


async def test_book_is_as_edited(mina: httpx.AsyncClient) -> None:
    """Edited reviews stay where they are, deleted ones are neither shown nor counted."""
    ids = [(await post(mina, str(number)))["id"] for number in range(3)]
    await mina.patch(f"/api/reviews/{ids[0]}/", json={"content": "edited"})
    deleted = await mina.delete(f"/api/reviews/{ids[1]}/")
    document = await book(mina)
    assert [review["content"] for review in document["reviews"]] == ["2", "edited"]
    assert document["review_count"] == 2
    assert document["position"] == deleted.headers["livria-position"]
    assert seq_of(document["position"]) == 5


async def test_book_begins_review_pages(mina: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    """A book has the first page of its reviews; what is older follows without gap or repeat."""
    await asyncio.gather(*(post(mina, str(number)) for number in range(60)))
    document = await book(client)
    assert len(document["reviews"]) == 50
    assert document["review_count"] == 60
    oldest = document["reviews"][-1]["id"]
    older = (await client.get(f"/api/reviews/?book={BOOK}&before={oldest}")).json()["reviews"]
    ids = [review["id"] for review in document["reviews"] + older]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 60


async def test_position_matches_reviews(
    mina: httpx.AsyncClient, client: httpx.AsyncClient, service: Service
) -> None:
    """A book that is read while others write has exactly the reviews of its position."""
    positions: dict[int, int] = {}
    snapshots = [await book(client)]

    async def write() -> None:
        for number in range(10):
            review = await post(mina, str(number))
            positions[review["id"]] = seq_of(review["position"])

    async def read() -> None:
        while len(positions) < 40:
            snapshots.append(await book(client))

    await asyncio.gather(*(write() for _ in range(4)), read(), read())
    snapshots.append(await book(client))
    for document in snapshots:
        seqs = {positions[review["id"]] for review in document["reviews"]}
        assert seqs == set(range(1, seq_of(document["position"]) + 1))
        assert document["review_count"] == len(document["reviews"])
    assert await service.head(BOOK) == 40


async def test_list_has_all_books(client: httpx.AsyncClient) -> None:
    """The list has every book by id, each as at its own address."""
    answer = await client.get("/api/books/")
    assert answer.status_code == 200
    assert set(answer.json()) == {"books", "next"}
    books = answer.json()["books"]
    assert [each["id"] for each in books] == list(range(1, 13))
    assert books[BOOK - 1] == await book(client)
    assert answer.json()["next"] is None


@pytest.mark.parametrize(("limit", "lengths"), [(5, [5, 5, 2]), (4, [4, 4, 4]), (100, [12])])
async def test_list_comes_in_pages(
    client: httpx.AsyncClient, limit: int, lengths: list[int]
) -> None:
    """From page to page come all books, without gaps or repeats, and the last names no next."""
    address: str | None = f"/api/books/?limit={limit}"
    found: list[list[int]] = []
    while address is not None:
        document = (await client.get(address)).raise_for_status().json()
        found.append([each["id"] for each in document["books"]])
        address = document["next"]
    assert list(chain(*found)) == list(range(1, 13))
    assert [len(page) for page in found] == lengths


@pytest.mark.parametrize(("name", "ids"), [("books", range(1, 13)), ("reviews", range(9, 0, -1))])
async def test_lists_end_early_that_are_too_large(
    mina: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, name: str, ids: range
) -> None:
    """What does not fit into an answer comes in the next: nothing is left out or comes twice."""
    for number in range(9):
        await post(mina, f"{number} " + "책" * 4_990)
    monkeypatch.setattr(answers, "LARGEST_LIST", 10_000)
    monkeypatch.setattr(answers, "AT_ONCE", 5_000)

    address: str | None = f"/api/{name}/?book={BOOK}&limit=100"
    found: list[list[int]] = []
    while address is not None:
        answer = (await mina.get(address)).raise_for_status()
        found.append([each["id"] for each in answer.json()[name]])
        assert len(answer.text) < 10_000 + 6 * 5_200
        address = answer.json()["next"]
    assert list(chain(*found)) == list(ids)
    assert len(found) > 1


async def test_list_has_newest_reviews(mina: httpx.AsyncClient) -> None:
    """With each book of the list come a few of its newest reviews, and its whole count."""
    for number in range(7):
        await post(mina, str(number))
    alone = await book(mina)
    (listed,) = [
        each for each in (await mina.get("/api/books/")).json()["books"] if each["id"] == BOOK
    ]
    assert listed["reviews"] == alone["reviews"][:5]
    assert listed["review_count"] == 7
    assert listed["position"] == alone["position"]


async def test_slash_may_be_left_out(client: httpx.AsyncClient) -> None:
    """Both addresses work without their last slash, without a redirect."""
    assert (await client.get("/api/books")).json() == (await client.get("/api/books/")).json()
    assert (await client.get("/api/books/1")).json() == await book(client, 1)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("address", ["/api/books/", "/api/books/1/"])
async def test_books_are_only_read(client: httpx.AsyncClient, method: str, address: str) -> None:
    """Books cannot be changed over HTTP."""
    answer = await client.request(method, address)
    assert answer.status_code == 405
    problem_of(answer)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_unknown_book_is_404(client: httpx.AsyncClient) -> None:
    """A book that is not in the catalogue is a problem."""
    answer = await client.get("/api/books/99/")
    assert answer.status_code == 404
    problem_of(answer)


async def test_head_is_get(client: httpx.AsyncClient) -> None:
    """HEAD answers the headers of GET."""
    asked, got = await client.head("/api/books/1/"), await client.get("/api/books/1/")
    assert asked.status_code == 200
    assert asked.headers == got.headers
