"""What changed in a book, for those who cannot be sent a stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from livria_sse.frames import difference_frames
from tests.sse import EventReader
from tests.web.service import Service, problem_of, serving

BOOK = 1


async def changes(client: httpx.AsyncClient, after: str, *, book: int = BOOK) -> Any:
    """The answer, which is not refused."""
    params: dict[str, str | int] = {"book": book, "after": after}
    answer = await client.get("/api/reviews/changes/", params=params)
    assert answer.status_code == 200
    return answer.json()


async def post(mina: httpx.AsyncClient, content: str) -> str:
    """Posts a review; its address."""
    answer = await mina.post("/api/reviews/", json={"book": BOOK, "content": content})
    return answer.headers["Location"]


async def test_changes_are_those_of_the_stream(mina: httpx.AsyncClient, service: Service) -> None:
    """What changed after a position is told in the very words of the stream."""
    kept = await post(mina, "kept")
    start = await service.head(BOOK)
    edited, gone = await post(mina, "first"), await post(mina, "gone")
    await mina.patch(edited, json={"content": "then"})
    await mina.delete(gone)
    await mina.delete(kept)
    difference = await service.store.changes.since(BOOK, start, limit=100)
    frames = EventReader().feed(difference_frames(difference, service.hub.epoch))

    told = await changes(mina, f"{service.hub.epoch}-{start}")

    assert told["changes"] == [json.loads(frame.data) for frame in frames]
    assert [change["type"] for change in told["changes"]] == ["review.created", "review.deleted"]
    assert told["position"] == f"{service.hub.epoch}-{difference.head}"
    assert (told["book"], told["review_count"], told["reset"]) == (BOOK, 1, None)


async def test_nothing_changed(mina: httpx.AsyncClient, service: Service) -> None:
    """Who stands at the head is told where it is."""
    await post(mina, "one")
    head = f"{service.hub.epoch}-{await service.head(BOOK)}"

    assert await changes(mina, head) == {
        "book": BOOK,
        "position": head,
        "review_count": 1,
        "reset": None,
        "changes": [],
    }


@pytest.mark.parametrize(
    ("after", "reason"),
    [("nonsense", "malformed"), ("", "malformed"), ("zzzzz-1", "epoch"), ("{epoch}-9", "ahead")],
)
async def test_positions_that_cannot_be_told_from(
    mina: httpx.AsyncClient, service: Service, after: str, reason: str
) -> None:
    """Who asks from a position that is none is told to fetch the book again, and from where on."""
    await post(mina, "one")

    told = await changes(mina, after.format(epoch=service.hub.epoch))

    assert (told["reset"], told["changes"], told["review_count"]) == (reason, [], 1)
    assert told["position"] == f"{service.hub.epoch}-1"


@pytest.mark.parametrize("limit", [{"replay_limit": 2}, {"replay_bytes": 10}], ids=str)
async def test_too_much_has_changed(tmp_path: Path, limit: dict[str, Any]) -> None:
    """Who was away for more than can be replayed is told to fetch the book again."""
    async with serving(tmp_path, **limit) as service, service.signed_in("mina") as mina:
        for content in ("one", "two", "three"):
            await post(mina, content)

        told = await changes(mina, f"{service.hub.epoch}-0")

        assert (told["reset"], told["changes"]) == ("too_large", [])
        assert told["position"] == f"{service.hub.epoch}-3"


async def test_watched_books_are_not_read_again(mina: httpx.AsyncClient, service: Service) -> None:
    """As long as somebody watches a book, asking for its changes costs no query."""
    async with service.hub.opening([BOOK]):
        await post(mina, "one")
        before = dict(service.hub.statistics().reads)

        told = await changes(mina, f"{service.hub.epoch}-0")

        assert [change["review"]["content"] for change in told["changes"]] == ["one"]
        assert service.hub.statistics().reads == before


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=k7q2m-0", "book"),
        ("book=x&after=k7q2m-0", "book"),
        ("book=999&after=k7q2m-0", "book"),
        ("book=1", "after"),
    ],
)
async def test_what_is_missing_is_named(shared: Service, query: str, field: str) -> None:
    """Who does not say of which book, or from where, is told so."""
    async with shared.client() as client:
        answer = await client.get(f"/api/reviews/changes/?{query}")

    assert answer.status_code == 422
    assert list(problem_of(answer)["errors"]) == [field]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_changes_are_read_only(shared: Service, method: str) -> None:
    """What changed is no review that could be changed."""
    async with shared.client() as client:
        answer = await client.request(method, "/api/reviews/changes/")

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


async def test_several_books_in_one_answer(mina: httpx.AsyncClient, service: Service) -> None:
    """What changed in several books is told in their order, from where one stands in each."""
    other = BOOK + 1
    await post(mina, "known")
    await post(mina, "new")
    await mina.post("/api/reviews/", json={"book": other, "content": "elsewhere"})
    asked = f"book={other}&book={BOOK}&after={service.hub.epoch}-0.1"

    answer = await mina.get(f"/api/books/changes/?{asked}")

    told = [
        (each["book"], each["position"].partition("-")[2], contents_of(each))
        for each in answer.json()["books"]
    ]
    assert told == [(other, "1", ["elsewhere"]), (BOOK, "2", ["new"])]


def contents_of(told: Any) -> list[str]:
    """The texts in a difference."""
    return [change["review"]["content"] for change in told["changes"]]


async def test_an_id_of_other_books(mina: httpx.AsyncClient, service: Service) -> None:
    """An id of more or fewer books than are named leads to a reset in each of them."""
    asked = f"book=1&book=2&after={service.hub.epoch}-0.0.0"

    answer = await mina.get(f"/api/books/changes/?{asked}")

    assert [each["reset"] for each in answer.json()["books"]] == ["malformed", "malformed"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=k7q2m-1", "book"),
        ("book=x&after=k7q2m-1", "book"),
        ("book=1&book=1&after=k7q2m-1.1", "book"),
        ("book=1&book=999999&after=k7q2m-1.1", "book"),
        ("&".join(f"book={number}" for number in range(1, 52)) + "&after=k7q2m-1", "book"),
        ("book=1&book=2", "after"),
    ],
)
async def test_questions_after_no_books(mina: httpx.AsyncClient, query: str, field: str) -> None:
    """Books that are not there, or too many, are refused with the field and the reason."""
    answer = await mina.get(f"/api/books/changes/?{query}")

    assert answer.status_code == 422
    assert list(problem_of(answer)["errors"]) == [field]


async def test_several_books_share_a_bound(tmp_path: Path) -> None:
    """All books together tell as much text as one may have; the others have to be fetched."""
    async with (
        serving(tmp_path, replay_bytes=10_000) as service,
        service.signed_in("hana") as hana,
    ):
        for book in (1, 2, 3):
            content = "x" * (4_000 if book < 3 else 1_000)
            for number in range(1 if book == 3 else 2):
                review = {"book": book, "content": f"{number}{content}"}
                await hana.post("/api/reviews/", json=review)
        asked = f"book=1&book=2&book=3&after={service.hub.epoch}-0.0.0"

        answer = await hana.get(f"/api/books/changes/?{asked}")

    told = [(each["reset"], len(each["changes"])) for each in answer.json()["books"]]
    assert told == [(None, 2), ("too_large", 0), (None, 1)]
