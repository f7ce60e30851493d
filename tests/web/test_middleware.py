"""What is done to every request: other sites are refused, and a slash may be missing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from livria_sse.web.credentials import COOKIE
from tests.web.service import HOST, Service, problem_of

BOOK = 10
REVIEW = {"book": BOOK, "content": "좋아요"}


@pytest.fixture
async def browser(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in by its cookie."""
    async with service.client() as browser:
        browser.cookies.set(COOKIE, await service.session("mina"))
        yield browser


OURS = {
    "same-origin": {"Sec-Fetch-Site": "same-origin"},
    "typed by the user": {"Sec-Fetch-Site": "none"},
    "same-origin without Origin's help": {
        "Sec-Fetch-Site": "same-origin",
        "Origin": "https://evil.example",
    },
    "our Origin": {"Origin": f"http://{HOST}"},
    "our Origin in capitals": {"Origin": f"http://{HOST.upper()}"},
    "our Origin behind TLS": {"Origin": f"https://{HOST}"},
    "no browser": {},
}
THEIRS = {
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "unknown word": {"Sec-Fetch-Site": "somewhere"},
    "cross-site with our Origin": {
        "Sec-Fetch-Site": "cross-site",
        "Origin": f"http://{HOST}",
    },
    "other Origin": {"Origin": "https://evil.example"},
    "null Origin": {"Origin": "null"},
    "empty Origin": {"Origin": ""},
    "subdomain": {"Origin": f"http://evil.{HOST}"},
    "suffix": {"Origin": f"http://{HOST}.evil.example"},
    "other port": {"Origin": f"http://{HOST}:8001"},
    "user in Origin": {"Origin": f"http://{HOST}@evil.example"},
    "only a host": {"Origin": HOST},
    "no URL": {"Origin": "http://["},
}


@pytest.mark.parametrize("headers", OURS.values(), ids=OURS)
async def test_our_pages_may_write(
    browser: httpx.AsyncClient, service: Service, headers: dict[str, str]
) -> None:
    """A write that comes from our own pages, or from no browser at all, is accepted."""
    answer = await browser.post("/api/reviews/", json=REVIEW, headers=headers)
    assert answer.status_code == 201
    assert await service.head(BOOK) == 1


@pytest.mark.parametrize("headers", THEIRS.values(), ids=THEIRS)
async def test_other_sites_may_not_write(
    browser: httpx.AsyncClient, service: Service, headers: dict[str, str]
) -> None:
    """A write that another site makes a browser send is 403, and nothing is written."""
    answer = await browser.post("/api/reviews/", json=REVIEW, headers=headers)
    assert answer.status_code == 403
    problem_of(answer)
    assert await service.head(BOOK) == 0


async def test_null_origin_is_nobodys(browser: httpx.AsyncClient, service: Service) -> None:
    """`Origin: null` is another site's even where the request does not say which host it is for."""
    headers = {"Origin": "null", "Host": ""}
    answer = await browser.post("/api/reviews/", json=REVIEW, headers=headers)
    assert answer.status_code == 403
    assert await service.head(BOOK) == 0


async def test_every_unsafe_method_is_guarded(browser: httpx.AsyncClient, service: Service) -> None:
    """Whatever changes something is refused from another site: API, forms, and signing in."""
    address = (await browser.post("/api/reviews/", json=REVIEW)).headers["location"]
    for method, path in (
        ("PATCH", address),
        ("PUT", address),
        ("DELETE", address),
        ("POST", "/api/accounts/signup/"),
        ("POST", "/api/accounts/login/"),
        ("POST", "/api/accounts/logout/"),
        ("POST", f"/books/{BOOK}/reviews/"),
        ("POST", f"/books/{BOOK}/reviews/1/edit/"),
        ("POST", f"/books/{BOOK}/reviews/1/delete/"),
        ("POST", "/sign-up/"),
        ("POST", "/sign-in/"),
        ("POST", "/sign-out/"),
        ("POST", "/language/"),
        ("POST", "/nowhere"),
        ("BREW", "/"),
    ):
        answer = await browser.request(method, path, headers=THEIRS["cross-site"], json=REVIEW)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert await service.head(BOOK) == 1
    assert (await browser.get("/api/accounts/me/")).status_code == 200


async def test_anybody_may_read(browser: httpx.AsyncClient) -> None:
    """Reading is open to links from other sites."""
    for path in ("/", f"/books/{BOOK}/", f"/api/books/{BOOK}/", "/healthz"):
        for headers in THEIRS.values():
            assert (await browser.get(path, headers=headers)).status_code == 200
        assert (await browser.head(path, headers=THEIRS["cross-site"])).status_code == 200


async def test_programs_may_write(service: Service) -> None:
    """A request with a bearer token is what no form can send, wherever it comes from."""
    async with service.client(token=await service.session("mina")) as program:
        for headers in THEIRS.values():
            answer = await program.post("/api/reviews/", json=REVIEW, headers=headers)
            assert answer.status_code == 201


@pytest.mark.parametrize("authorization", ["Basic bWluYTpwdw==", "Negotiate x", "", "x"])
async def test_other_schemes_open_nothing(
    browser: httpx.AsyncClient, service: Service, authorization: str
) -> None:
    """A browser adds `Basic` by itself, so only a bearer token stands for the cookie."""
    headers = {"Authorization": authorization, **THEIRS["same-site"]}
    answer = await browser.post("/api/reviews/", json=REVIEW, headers=headers)
    assert answer.status_code in {401, 403}
    problem_of(answer)
    assert await service.head(BOOK) == 0


@pytest.mark.parametrize("headers", [{}, *THEIRS.values()], ids=["unsaid", *THEIRS])
async def test_forms_cannot_use_api(
    browser: httpx.AsyncClient, service: Service, headers: dict[str, str]
) -> None:
    """What a form on any site can send, cookie and all, the API refuses."""
    for sent in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = await browser.post(
            "/api/reviews/",
            content=b'{"book": 10, "content": "="}',
            headers={"Content-Type": sent, **headers},
        )
        assert answer.status_code == (403 if headers else 415)
        problem_of(answer)
    assert await service.head(BOOK) == 0


async def test_nothing_is_shared_across_origins(browser: httpx.AsyncClient) -> None:
    """No answer lets another origin's scripts read it."""
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        await browser.get("/api/accounts/me/", headers={"Origin": "https://evil.example"}),
        await browser.options("/api/reviews/", headers=preflight),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/books"),
        ("GET", f"/api/books/{BOOK}"),
        ("GET", f"/api/reviews?book={BOOK}"),
        ("GET", "/api/accounts/me"),
        ("GET", f"/books/{BOOK}"),
        ("GET", "/sign-up"),
        ("GET", "/sign-in?next=/books/1/"),
        ("HEAD", f"/sse/books/{BOOK}"),
        ("GET", "/sse/books/99"),
        ("POST", f"/books/{BOOK}/reviews"),
        ("POST", "/sign-in"),
        ("POST", "/language"),
    ],
)
async def test_slash_may_be_missing(browser: httpx.AsyncClient, method: str, path: str) -> None:
    """An address without its last slash is answered as with it, and never by a redirect to it."""
    before, question, query = path.partition("?")
    answers = [
        await browser.request(method, address, data={"content": ""} if method == "POST" else None)
        for address in (path, f"{before}/{question}{query}")
    ]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].status_code not in {301, 302, 307, 308}
    assert answers[0].headers.get("location") == answers[1].headers.get("location")


async def test_slash_is_for_no_other(browser: httpx.AsyncClient) -> None:
    """What has no slash at its end gets none: what operators ask for."""
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert (await browser.get(path)).status_code == 200
        assert (await browser.get(f"{path}/")).status_code == 404
