"""Pages of other origins: those that are listed may use the API, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from livria_sse.web.credentials import COOKIE
from tests.web.service import Service, problem_of, serving

LISTED, OTHER = "https://livria.example", "https://evil.example"
REVIEW = {"book": 10, "content": "좋아요"}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service that lists one origin beside its own."""
    async with serving(tmp_path, allowed_origins=(LISTED,)) as service:
        yield service


@pytest.fixture
async def browser(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in by its cookie."""
    async with service.client() as browser:
        browser.cookies.set(COOKIE, await service.session("mina"))
        yield browser


def from_page(origin: str) -> dict[str, str]:
    """What a browser says of a request that a page of another site has made."""
    return {"Origin": origin, "Sec-Fetch-Site": "cross-site"}


async def test_listed_pages_may_write(browser: httpx.AsyncClient) -> None:
    """A page of a listed origin may write with the cookie, and read what the answer says."""
    answer = await browser.post("/api/reviews/", json=REVIEW, headers=from_page(LISTED))

    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Livria-Position" in answer.headers["access-control-expose-headers"]
    assert "origin" in answer.headers["vary"].lower()


async def test_listed_pages_read_refusals(browser: httpx.AsyncClient) -> None:
    """It can read why something was refused, too."""
    answer = await browser.post("/api/reviews/", json={}, headers=from_page(LISTED))

    assert answer.status_code == 422
    assert answer.headers["access-control-allow-origin"] == LISTED


@pytest.mark.parametrize("address", ["/sse/books/999999/", "/sse/books/?book=10&book=999999"])
async def test_listed_pages_read_refused_streams(browser: httpx.AsyncClient, address: str) -> None:
    """It can read that a stream is of no book, though streams go past the middleware."""
    answer = await browser.get(address, headers=from_page(LISTED))

    assert answer.status_code == 404
    assert answer.headers.get_list("access-control-allow-origin") == [LISTED]
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"


async def test_the_head_of_a_stream(browser: httpx.AsyncClient) -> None:
    """HEAD goes the way of the stream itself: nothing is said twice of who may read it."""
    answer = await browser.head("/sse/books/10/", headers=from_page(LISTED))

    assert answer.status_code == 200
    assert answer.headers.get_list("access-control-allow-origin") == [LISTED]
    assert answer.headers.get_list("vary") == ["Origin"]


async def test_other_pages_may_not(browser: httpx.AsyncClient, service: Service) -> None:
    """A page of any other origin may neither write nor read."""
    for origin in (OTHER, "null", f"{LISTED}.evil.example", LISTED.replace("https", "http")):
        written = await browser.post("/api/reviews/", json=REVIEW, headers=from_page(origin))
        read = await browser.get("/api/books/10/", headers=from_page(origin))

        assert written.status_code == 403
        problem_of(written)
        assert "access-control-allow-origin" not in read.headers
    assert await service.head(10) == 0


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_asking_first(browser: httpx.AsyncClient, method: str) -> None:
    """Browsers that ask before they send are told that a listed page may, and another may not."""
    asked = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    listed = await browser.options("/api/reviews/1/", headers=from_page(LISTED) | asked)
    other = await browser.options("/api/reviews/1/", headers=from_page(OTHER) | asked)

    assert listed.status_code == 200
    assert listed.headers["access-control-allow-origin"] == LISTED
    assert method in listed.headers["access-control-allow-methods"]
    assert "idempotency-key" in listed.headers["access-control-allow-headers"].lower()
    assert other.status_code == 400
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("address", ["/sse/books/10/", "/sse/books/?book=10&book=11"])
async def test_asking_to_resume(browser: httpx.AsyncClient, address: str) -> None:
    """Browsers that ask whether a page may send a long `Last-Event-ID` are told that it may."""
    asked = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "last-event-id, livria-heartbeat",
    }
    answer = await browser.options(address, headers=from_page(LISTED) | asked)

    assert answer.status_code == 200
    assert "last-event-id" in answer.headers["access-control-allow-headers"].lower()


async def test_nothing_is_said_without_a_list(tmp_path: Path) -> None:
    """Where no origin is listed, no answer is for another origin."""
    async with serving(tmp_path) as service, service.client() as browser:
        answer = await browser.get("/api/books/10/", headers=from_page(LISTED))

        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("access-control")]
