"""Reviews over HTTP: posted, read, edited, deleted and paged."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any
from unicodedata import normalize

import httpx
import pytest

from livria_sse.store import reviews
from tests.waiting import until
from tests.web.service import Service, problem_of, seq_of, serving

BOOK = 10
OTHER_BOOK = 11
KEYS = {"id", "book", "user", "content", "created_at", "updated_at", "position"}


async def post(
    somebody: httpx.AsyncClient,
    content: str = "좋아요",
    *,
    book: int = BOOK,
    key: str | None = None,
) -> httpx.Response:
    """Posts a review."""
    headers = {"Idempotency-Key": key} if key else {}
    return await somebody.post(
        "/api/reviews/", json={"book": book, "content": content}, headers=headers
    )


async def posted(somebody: httpx.AsyncClient, content: str = "좋아요", *, book: int = BOOK) -> Any:
    """A review that was just posted."""
    answer = await post(somebody, content, book=book)
    assert answer.status_code == 201
    return answer.json()


async def reviews_of(client: httpx.AsyncClient, book: int = BOOK) -> list[Any]:
    """The reviews that a book shows."""
    reviews: list[Any] = (await client.get(f"/api/books/{book}/")).json()["reviews"]
    return reviews


# What is answered.


async def test_posted_review_is_answered(mina: httpx.AsyncClient, service: Service) -> None:
    """A post answers 201 with the whole review, its position and its address."""
    answer = await post(mina, "좋아요")
    assert answer.status_code == 201
    review = answer.json()
    assert set(review) == KEYS
    assert review["book"] == BOOK
    assert review["content"] == "좋아요"
    assert set(review["user"]) == {"id", "username"}
    assert review["user"]["username"] == "mina"
    assert review["position"] == f"{service.store.epoch}-1"
    assert answer.headers["livria-position"] == review["position"]
    assert answer.headers["location"] == f"/api/reviews/{review['id']}/"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert "좋아요" in answer.text


async def test_times_are_utc(mina: httpx.AsyncClient) -> None:
    """Times are RFC 3339 in UTC with milliseconds, and equal until the review is edited."""
    review = await posted(mina)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", review["created_at"])
    assert review["updated_at"] == review["created_at"]


async def test_anybody_reads_review(mina: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    """A review is found at its address by who is not signed in, as it was answered."""
    answer = await post(mina)
    found = await client.get(answer.headers["location"])
    assert found.status_code == 200
    assert found.json() == answer.json()
    assert found.headers["livria-position"] == answer.json()["position"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_edit_answers_review(mina: httpx.AsyncClient, method: str) -> None:
    """An edit, by either method, answers the review with its new text and its new position."""
    before = await posted(mina, "좋아요")
    answer = await mina.request(
        method, f"/api/reviews/{before['id']}/", json={"content": "아주 좋아요"}
    )
    assert answer.status_code == 200
    after = answer.json()
    assert after["content"] == "아주 좋아요"
    assert after["updated_at"] >= before["updated_at"]
    assert seq_of(after["position"]) == seq_of(before["position"]) + 1
    assert answer.headers["livria-position"] == after["position"]
    changing = {"content", "updated_at", "position"}
    assert {key: after[key] for key in KEYS - changing} == {
        key: before[key] for key in KEYS - changing
    }
    assert (await mina.get(f"/api/reviews/{before['id']}/")).json() == after


async def test_answer_is_what_is_kept(
    mina: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow a write is, its answer has the times that every later reader sees."""
    moments = (datetime(2026, 11, 22, 10, 0, second, tzinfo=UTC) for second in range(60))
    monkeypatch.setattr(reviews, "now", lambda: next(moments))
    answer = await post(mina)
    address = answer.headers["location"]
    assert (await mina.get(address)).json() == answer.json()
    answer = await mina.patch(address, json={"content": "아주 좋아요"})
    assert (await mina.get(address)).json() == answer.json()


async def test_edit_moves_nothing(mina: httpx.AsyncClient) -> None:
    """An edit cannot give a review another book, author or id."""
    review = await posted(mina)
    answer = await mina.patch(
        f"/api/reviews/{review['id']}/",
        json={"content": "아주 좋아요", "book": OTHER_BOOK, "id": 99, "user": {"id": 99}},
    )
    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in ("id", "book", "user")} == {
        key: review[key] for key in ("id", "book", "user")
    }
    assert await reviews_of(mina, OTHER_BOOK) == []


async def test_delete_answers_position(mina: httpx.AsyncClient) -> None:
    """A deletion answers 204, nothing but the position in the header."""
    review = await posted(mina)
    answer = await mina.delete(f"/api/reviews/{review['id']}/")
    assert answer.status_code == 204
    assert answer.content == b""
    assert seq_of(answer.headers["livria-position"]) == seq_of(review["position"]) + 1


async def test_deleted_review_is_unknown(mina: httpx.AsyncClient) -> None:
    """A deleted review can be neither read nor changed, and is in no list."""
    review = await posted(mina)
    address = f"/api/reviews/{review['id']}/"
    await mina.delete(address)
    for answer in (
        await mina.get(address),
        await mina.patch(address, json={"content": "다시"}),
        await mina.delete(address),
    ):
        assert answer.status_code == 404
        problem_of(answer)
    assert await reviews_of(mina) == []
    assert (await mina.get(f"/api/reviews/?book={BOOK}")).json()["reviews"] == []


async def test_deleted_at_once_is_once(mina: httpx.AsyncClient, service: Service) -> None:
    """Of many deletions at the same time one happens, and takes one number."""
    address = f"/api/reviews/{(await posted(mina))['id']}/"
    answers = await asyncio.gather(*(mina.delete(address) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404, 404]
    assert await service.head(BOOK) == 2


async def test_ids_never_return(mina: httpx.AsyncClient) -> None:
    """The id of a deleted review is not given to another."""
    first = await posted(mina)
    await mina.delete(f"/api/reviews/{first['id']}/")
    second = await posted(mina)
    assert second["id"] > first["id"]


async def test_every_write_moves_position(
    mina: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    """Each write of a book takes its next number; writes of other books take none of it."""
    one = await post(mina)
    await posted(mina, book=OTHER_BOOK)
    two = await post(mina)
    three = await mina.patch(one.headers["location"], json={"content": "아주 좋아요"})
    four = await mina.delete(two.headers["location"])
    positions = [answer.headers["livria-position"] for answer in (one, two, three, four)]
    assert [seq_of(position) for position in positions] == [1, 2, 3, 4]
    assert (await client.get(f"/api/books/{BOOK}/")).json()["position"] == positions[-1]


# What a text may be.


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  좋아요 \n\t", "좋아요"),
        ("one\r\ntwo\rthree\n\tfour", "one\ntwo\nthree\n\tfour"),
        (normalize("NFD", "좋아"), "좋아"),
        ("e\u0301", "é"),
        ("📚" * 5_000, "📚" * 5_000),
        ("  " + "x" * 5_000 + "  ", "x" * 5_000),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x\r\nevent: admin\r\ndata: y", "x\nevent: admin\ndata: y"),
        ("a\u2028b", "a\u2028b"),
        ("'; DROP TABLE reviews; --", "'; DROP TABLE reviews; --"),
    ],
    ids=lambda text: repr(text[:12]),
)
async def test_text_is_kept(mina: httpx.AsyncClient, sent: str, kept: str) -> None:
    """A text of 1 to 5,000 characters is kept, trimmed, in NFC and with LF line ends."""
    answer = await post(mina, sent)
    assert answer.status_code == 201
    assert answer.json()["content"] == kept
    assert (await mina.get(answer.headers["location"])).json()["content"] == kept
    assert [review["content"] for review in await reviews_of(mina)] == [kept]


# Who may.


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_only_author_and_staff_change(
    method: str,
    client: httpx.AsyncClient,
    mina: httpx.AsyncClient,
    jun: httpx.AsyncClient,
    sora: httpx.AsyncClient,
    service: Service,
) -> None:
    """Signed out is 401, another reader 403; the author and the staff may change a review."""
    for somebody, status in ((client, 401), (jun, 403)):
        address = f"/api/reviews/{(await posted(mina))['id']}/"
        head = await service.head(BOOK)
        refused = await somebody.request(method, address, json={"content": "아니요"})
        assert refused.status_code == status
        problem_of(refused)
        assert "livria-position" not in refused.headers
        assert await service.head(BOOK) == head
        assert (await client.get(address)).json()["content"] == "좋아요"
    for somebody in (mina, sora):
        review = await posted(mina)
        address = f"/api/reviews/{review['id']}/"
        accepted = await somebody.request(method, address, json={"content": "네"})
        assert accepted.status_code in {200, 204}
        if accepted.status_code == 200:
            assert accepted.json()["user"] == review["user"]


async def test_signed_out_cannot_post(client: httpx.AsyncClient, service: Service) -> None:
    """Who is not signed in is told so, with how to, and nothing is written."""
    answer = await post(client)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    problem_of(answer)
    assert await service.head(BOOK) == 0


@pytest.mark.parametrize("token", ["x", "x" * 5_000, "a.b.c"])
async def test_wrong_token_cannot_post(service: Service, token: str) -> None:
    """Who comes with a token that is none is not signed in."""
    async with service.client(token=token) as stranger:
        answer = await post(stranger)
    assert answer.status_code == 401
    problem_of(answer)
    assert await service.head(BOOK) == 0


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
async def test_unknown_review_is_404(mina: httpx.AsyncClient, method: str) -> None:
    """Changing a review that never was is 404."""
    answer = await mina.request(method, "/api/reviews/99/", json={"content": "아니요"})
    assert answer.status_code == 404
    problem_of(answer)


# Asked twice.


async def test_same_key_same_answer(mina: httpx.AsyncClient, service: Service) -> None:
    """The same request with the same key is answered alike, and makes one review."""
    first = await post(mina, key="k1")
    second = await post(mina, key="k1")
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    for header in ("location", "livria-position"):
        assert first.headers[header] == second.headers[header]
    assert len(await reviews_of(mina)) == 1
    assert await service.head(BOOK) == 1


async def test_same_text_same_answer(mina: httpx.AsyncClient) -> None:
    """A key is the same for texts that are kept alike, however they were sent."""
    first = await post(mina, "좋아요", key="k1")
    second = await post(mina, "  좋아요\n", key="k1")
    assert second.status_code == 201
    assert second.json() == first.json()


async def test_key_remembers_first_answer(mina: httpx.AsyncClient, service: Service) -> None:
    """A request that comes again after an edit or a deletion gets the answer of then."""
    first = await post(mina, key="k1")
    await mina.patch(first.headers["location"], json={"content": "아주 좋아요"})
    assert (await post(mina, key="k1")).json() == first.json()
    await mina.delete(first.headers["location"])
    assert (await post(mina, key="k1")).json() == first.json()
    assert await reviews_of(mina) == []
    assert await service.head(BOOK) == 3


async def test_same_key_at_once(mina: httpx.AsyncClient, service: Service) -> None:
    """Of many equal requests at the same time one makes a review, and all are answered alike."""
    answers = await asyncio.gather(*(post(mina, key="k1") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await service.head(BOOK) == 1


@pytest.mark.parametrize("other", [{"content": "싫어요"}, {"book": OTHER_BOOK}], ids=str)
async def test_same_key_other_body(
    mina: httpx.AsyncClient, service: Service, other: dict[str, Any]
) -> None:
    """The same key with another body is 422, and writes nothing."""
    first = await post(mina, key="k1")
    before = await service.heads()
    answer = await mina.post(
        "/api/reviews/",
        json={"book": BOOK, "content": "좋아요", **other},
        headers={"Idempotency-Key": "k1"},
    )
    assert answer.status_code == 422
    problem_of(answer)
    assert await service.heads() == before
    assert (await post(mina, key="k1")).json() == first.json()


async def test_keys_are_ones_own(mina: httpx.AsyncClient, jun: httpx.AsyncClient) -> None:
    """Two readers who happen to use the same key do not meet."""
    first, second = await post(mina, key="k1"), await post(jun, key="k1")
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] != second.json()["id"]
    assert second.json()["user"]["username"] == "jun"


async def test_without_key_twice_is_two(mina: httpx.AsyncClient) -> None:
    """Equal posts without a key, or with different ones, are different reviews."""
    ids = {(await post(mina, key=key)).json()["id"] for key in (None, None, "k1", "k2")}
    assert len(ids) == 4


async def test_refused_post_keeps_no_key(mina: httpx.AsyncClient) -> None:
    """A post that was refused does not use its key up."""
    assert (await post(mina, "", key="k1")).status_code == 422
    assert (await post(mina, book=99, key="k1")).status_code == 422
    assert (await post(mina, key="k1")).status_code == 201


# Page after page.


async def pages(client: httpx.AsyncClient, address: str | None) -> list[list[int]]:
    """The ids on each page, from one to the next until there is none."""
    found: list[list[int]] = []
    while address is not None:
        document = (await client.get(address)).raise_for_status().json()
        found.append([review["id"] for review in document["reviews"]])
        address = document["next"]
    return found


async def test_pages_have_all_reviews(mina: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    """From page to page come all reviews of the book, newest first, without gaps or repeats."""
    ids = [(await posted(mina, str(number)))["id"] for number in range(8)]
    await posted(mina, book=OTHER_BOOK)
    await mina.delete(f"/api/reviews/{ids.pop(4)}/")
    found = await pages(client, f"/api/reviews/?book={BOOK}&limit=3")
    assert list(chain(*found)) == ids[::-1]
    assert [len(page) for page in found] == [3, 3, 1]


async def test_last_full_page_is_last(mina: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    """A page that happens to be full, but is the last, names no next one."""
    ids = [(await posted(mina, str(number)))["id"] for number in range(4)]
    assert await pages(client, f"/api/reviews/?book={BOOK}&limit=2") == [ids[:1:-1], ids[1::-1]]


async def test_new_reviews_repeat_nothing(
    mina: httpx.AsyncClient, client: httpx.AsyncClient
) -> None:
    """What is posted and deleted while somebody pages neither repeats nor hides older reviews."""
    ids = [(await posted(mina, str(number)))["id"] for number in range(6)]
    first = (await client.get(f"/api/reviews/?book={BOOK}&limit=3")).json()
    await posted(mina)
    await mina.delete(f"/api/reviews/{ids[3]}/")
    second = (await client.get(first["next"])).json()
    assert [review["id"] for review in first["reviews"]] == ids[:2:-1]
    assert [review["id"] for review in second["reviews"]] == ids[2::-1]


async def test_page_has_default_length(mina: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    """A page has 50 reviews unless another number up to 200 is asked for."""
    await asyncio.gather(*(posted(mina) for _ in range(51)))
    address = f"/api/reviews/?book={BOOK}"
    assert [len(page) for page in await pages(client, address)] == [50, 1]
    assert [len(page) for page in await pages(client, f"{address}&limit=200")] == [51]


async def test_empty_page_is_last(client: httpx.AsyncClient) -> None:
    """A book without reviews has one page with nothing on it."""
    answer = await client.get(f"/api/reviews/?book={BOOK}")
    page = answer.json()
    assert (page["reviews"], page["next"]) == ([], None)
    assert page["position"].endswith("-0")


async def test_page_begins_before_review(mina: httpx.AsyncClient) -> None:
    """`before` asks for what is older than a review, also if that is not there any more."""
    ids = [(await posted(mina, str(number)))["id"] for number in range(3)]
    await mina.delete(f"/api/reviews/{ids[2]}/")
    found = await pages(mina, f"/api/reviews/?book={BOOK}&before={ids[2]}")
    assert found == [[ids[1], ids[0]]]
    assert await pages(mina, f"/api/reviews/?book={BOOK}&before={ids[0]}") == [[]]


# Addresses and methods.


async def test_slash_may_be_left_out(mina: httpx.AsyncClient) -> None:
    """Every address works without its last slash, without a redirect."""
    answer = await mina.post("/api/reviews", json={"book": BOOK, "content": "좋아요"})
    assert answer.status_code == 201
    address = f"/api/reviews/{answer.json()['id']}"
    assert (await mina.get(f"/api/reviews?book={BOOK}")).json()["reviews"]
    assert (await mina.get(address)).status_code == 200
    assert (await mina.patch(address, json={"content": "네"})).status_code == 200
    assert (await mina.put(address, json={"content": "네네"})).status_code == 200
    assert (await mina.delete(address)).status_code == 204


async def test_head_is_get(mina: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    """HEAD answers the headers of GET."""
    address = (await post(mina)).headers["location"]
    asked, got = await client.head(address), await client.get(address)
    assert asked.status_code == got.status_code == 200
    assert asked.headers == got.headers


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("PATCH", "/api/reviews/", {"GET", "HEAD", "POST"}),
        ("DELETE", "/api/reviews/", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/api/reviews/", {"GET", "HEAD", "POST"}),
        ("POST", "/api/reviews/1/", {"GET", "HEAD", "PATCH", "PUT", "DELETE"}),
        ("OPTIONS", "/api/reviews/1/", {"GET", "HEAD", "PATCH", "PUT", "DELETE"}),
        ("TRACE", "/api/reviews/1/", {"GET", "HEAD", "PATCH", "PUT", "DELETE"}),
    ],
)
async def test_other_methods_are_405(
    client: httpx.AsyncClient, method: str, address: str, allowed: set[str]
) -> None:
    """A method that an address does not have is a problem that names all that it has."""
    answer = await client.request(method, address)
    assert answer.status_code == 405
    problem_of(answer)
    assert set(answer.headers["allow"].split(", ")) == allowed


# Too much.


async def test_too_many_writes(tmp_path: Path) -> None:
    """Who writes too much is told when to come back; others and older reviews are as before."""
    async with (
        serving(tmp_path, writes_per_account="2/minute") as service,
        service.signed_in("mina") as mina,
        service.signed_in("jun") as jun,
    ):
        first = await posted(mina)
        await until(lambda: _is_refused(mina, first["id"]))

        answer = await post(mina)
        assert answer.status_code == 429
        assert problem_of(answer)["detail"] == "That was too much in a short time. Try again later."
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert (await mina.delete(f"/api/reviews/{first['id']}/")).status_code == 429
        await posted(jun)
        assert len(await reviews_of(jun)) == 2


async def _is_refused(mina: httpx.AsyncClient, review: int) -> bool:
    answer = await mina.patch(f"/api/reviews/{review}/", json={"content": "edited"})
    return answer.status_code == 429


async def test_too_many_writes_from_an_address(tmp_path: Path) -> None:
    """An address has a limit of its own, whoever writes from there."""
    async with (
        serving(tmp_path, writes_per_address="1/minute") as service,
        service.signed_in("mina") as mina,
        service.signed_in("jun") as jun,
    ):
        await posted(mina)

        assert (await post(jun)).status_code == 429


async def test_the_same_text_twice(tmp_path: Path) -> None:
    """The same text of the same author on the same book is refused for a while, and only that."""
    async with (
        serving(tmp_path, repeat_seconds=60) as service,
        service.signed_in("mina") as mina,
        service.signed_in("jun") as jun,
    ):
        first = await posted(mina)
        before = seq_of(first["position"])

        answer = await post(mina)
        assert answer.status_code == 409
        assert problem_of(answer)["detail"] == "You have just posted the same text here."
        assert seq_of((await post(mina, "something else")).json()["position"]) == before + 1
        await posted(jun)
        await posted(mina, book=OTHER_BOOK)
        await mina.delete(f"/api/reviews/{first['id']}/")
        await posted(mina)


async def test_hidden_texts_are_no_others(tmp_path: Path) -> None:
    """What the staff has hidden cannot be posted again at once."""
    async with (
        serving(tmp_path, repeat_seconds=60) as service,
        service.signed_in("mina") as mina,
        service.client(token=await service.session("sora", staff=True)) as staff,
    ):
        review = (await posted(mina))["id"]
        assert (await staff.post(f"/api/reviews/{review}/hide/")).status_code == 204

        assert (await post(mina)).status_code == 409


async def test_the_staff_is_not_slowed_down(tmp_path: Path) -> None:
    """Hiding and restoring have no limit: nobody should write more than can be hidden."""
    async with (
        serving(tmp_path, writes_per_account="1/minute", writes_per_address="1/minute") as service,
        service.signed_in("mina") as mina,
        service.client(token=await service.session("sora", staff=True)) as staff,
    ):
        review = (await posted(mina))["id"]
        for verb in ("hide", "restore", "hide"):
            assert (await staff.post(f"/api/reviews/{review}/{verb}/")).status_code == 204


async def test_the_same_text_later(tmp_path: Path) -> None:
    """After that while, it can be posted again."""
    async with (
        serving(tmp_path, repeat_seconds=1) as service,
        service.signed_in("mina") as mina,
    ):
        await posted(mina)
        assert (await post(mina)).status_code == 409

        async def accepted() -> bool:
            return (await post(mina)).status_code == 201

        await until(accepted)


async def test_retries_are_no_repetition(tmp_path: Path) -> None:
    """A request that is repeated with its key is answered as before."""
    async with (
        serving(tmp_path, repeat_seconds=60) as service,
        service.signed_in("mina") as mina,
    ):
        first = await post(mina, key="once")

        assert (await post(mina, key="once")).json() == first.json()
