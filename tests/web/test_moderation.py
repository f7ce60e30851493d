"""Moderation over HTTP: the staff hides and restores reviews."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.web.service import problem_of, seq_of, serving
from tests.web.test_reviews import posted, reviews_of


async def test_hide_and_restore(mina: httpx.AsyncClient, sora: httpx.AsyncClient) -> None:
    """A hidden review is nowhere, and is back as it was when it is restored."""
    review = await posted(mina)
    shown = await reviews_of(mina)
    address = f"/api/reviews/{review['id']}/"

    hidden = await sora.post(f"{address}hide/")
    assert hidden.status_code == 204
    assert seq_of(hidden.headers["livria-position"]) == seq_of(review["position"]) + 1
    assert await reviews_of(mina) == []
    assert (await mina.get(address)).status_code == 404
    assert (await sora.get(address)).status_code == 404

    restored = await sora.post(f"{address}restore/")
    assert restored.status_code == 204
    assert seq_of(restored.headers["livria-position"]) == seq_of(review["position"]) + 2
    assert await reviews_of(mina) == shown


async def test_the_log_says_who_has_moderated(
    mina: httpx.AsyncClient, sora: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Each time that a review is hidden or restored there is a line, with no word of anybody's."""
    caplog.set_level("INFO")
    number = (await posted(mina))["id"]
    moderator = (await sora.get("/api/accounts/me/")).json()["id"]
    for verb in ("hide", "hide", "restore"):
        await sora.post(f"/api/reviews/{number}/{verb}/")

    said = [message for message in caplog.messages if message.startswith("review ")]
    assert said == [
        f"review {done}: review={number} account={moderator}" for done in ("hidden", "restored")
    ]


@pytest.mark.parametrize("verb", ["hide", "restore"])
async def test_asked_again(mina: httpx.AsyncClient, sora: httpx.AsyncClient, verb: str) -> None:
    """Asked again, for want of an answer, a verb answers the same and changes nothing."""
    address = f"/api/reviews/{(await posted(mina))['id']}/"
    await sora.post(f"{address}hide/")

    answers = [await sora.post(f"{address}{verb}/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    positions = {answer.headers["livria-position"] for answer in answers}
    assert len(positions) == 1


@pytest.mark.parametrize("verb", ["hide", "restore"])
async def test_refusals(
    client: httpx.AsyncClient, mina: httpx.AsyncClient, sora: httpx.AsyncClient, verb: str
) -> None:
    """Who is nobody gets 401, who is not of the staff 403, and what is not there 404."""
    review = await posted(mina)
    address = f"/api/reviews/{review['id']}/{verb}/"

    assert (await client.post(address)).status_code == 401
    assert (await mina.post(address)).status_code == 403
    for nothing in (review["id"] + 1, 2**70, "x"):
        answer = await sora.post(f"/api/reviews/{nothing}/{verb}/")
        assert answer.status_code == 404
        problem_of(answer)
    assert (await sora.get(address)).status_code == 405
    assert await reviews_of(mina) != []


@pytest.mark.parametrize("verb", ["hide", "restore"])
async def test_limits(tmp_path: Path, verb: str) -> None:
    """Who is not of the staff cannot try it without end; who is, can do it as often as needed."""
    address = f"/api/reviews/1/{verb}/"
    async with (
        serving(tmp_path, writes_per_account="2/minute", writes_per_address="2/minute") as service,
        service.signed_in("mina") as mina,
        service.client(token=await service.session("sora", staff=True)) as sora,
    ):
        await posted(mina)
        refused = [await mina.post(address) for _ in range(2)]

        assert [answer.status_code for answer in refused] == [403, 429]
        assert {(await sora.post(address)).status_code for _ in range(5)} == {204}
