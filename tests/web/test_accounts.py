"""Accounts over HTTP: signing up, in and out, by cookie and by bearer token."""

from __future__ import annotations

import asyncio
import time
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any
from unicodedata import normalize

import httpx
import jwt
import pytest

from livria_sse.web.credentials import COOKIE
from tests.web.service import HOST, Service, problem_of, serving

PASSWORD = "correct horse battery"
SECRET = "a secret of thirty-two characters or more"
FULL_WIDTH = "\uff4d\uff49\uff4e\uff41"  # mina, as an East Asian keyboard may write it
DECOMPOSED = normalize("NFD", "민아")


async def sign_up(
    client: httpx.AsyncClient, username: str = "mina", password: str = PASSWORD, *, at: str = ""
) -> httpx.Response:
    """Signs somebody up."""
    return await client.post(
        f"{at}/api/accounts/signup/", json={"username": username, "password": password}
    )


async def sign_in(
    client: httpx.AsyncClient, username: str = "mina", password: str = PASSWORD, *, at: str = ""
) -> httpx.Response:
    """Signs somebody in."""
    return await client.post(
        f"{at}/api/accounts/login/", json={"username": username, "password": password}
    )


async def me(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    """Asks who is asking."""
    return await client.get("/api/accounts/me/", headers=headers)


def cookie_in(answer: httpx.Response) -> Morsel[str]:
    """The session cookie that an answer sets."""
    cookies: SimpleCookie = SimpleCookie(answer.headers["set-cookie"])
    return cookies[COOKIE]


async def test_sign_up_answers_token(client: httpx.AsyncClient) -> None:
    """Signing up answers 201 with the user and a token that no cache may keep."""
    answer = await sign_up(client)
    assert answer.status_code == 201
    document = answer.json()
    assert set(document) == {"user", "token"}
    assert set(document["user"]) == {"id", "username"}
    assert document["user"]["username"] == "mina"
    assert answer.headers["cache-control"] == "no-store"
    assert PASSWORD not in answer.text


async def test_sign_in_answers_token(client: httpx.AsyncClient) -> None:
    """Signing in answers 200 with the same user and another token."""
    signed_up = (await sign_up(client)).json()
    answer = await sign_in(client)
    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "token"}
    assert answer.json()["user"] == signed_up["user"]
    assert answer.json()["token"] != signed_up["token"]
    assert answer.headers["cache-control"] == "no-store"


async def test_token_is_a_bearer(client: httpx.AsyncClient, service: Service) -> None:
    """The token signs a program in without any cookie."""
    signed_up = (await sign_up(client)).json()
    async with service.client(token=signed_up["token"]) as program:
        answer = await me(program)
    assert answer.status_code == 200
    assert answer.json() == signed_up["user"]


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
async def test_scheme_has_any_case(client: httpx.AsyncClient, scheme: str) -> None:
    """The word `Bearer` is read as RFC 9110 has it, in any case."""
    token = (await sign_up(client)).json()["token"]
    client.cookies.clear()
    assert (await me(client, Authorization=f"{scheme} {token}")).status_code == 200


async def test_cookie_signs_in(client: httpx.AsyncClient) -> None:
    """The cookie signs a browser in without any header."""
    signed_up = (await sign_up(client)).json()
    assert "authorization" not in client.headers
    assert (await me(client)).json() == signed_up["user"]


async def test_cookie_is_guarded(client: httpx.AsyncClient) -> None:
    """The cookie is out of reach of scripts and other sites, and lasts as long as the session."""
    for answer in (await sign_up(client), await sign_in(client)):
        cookie = cookie_in(answer)
        assert cookie.value == answer.json()["token"]
        assert cookie["httponly"]
        assert cookie["samesite"].lower() == "lax"
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""
        assert int(cookie["max-age"]) == 30 * 24 * 3600


async def test_cookie_is_secure_on_https(client: httpx.AsyncClient) -> None:
    """The cookie is never sent in the clear where it was set on https."""
    secure = [
        cookie_in(await sign_up(client, at=f"https://{HOST}")),
        cookie_in(await sign_in(client, at=f"https://{HOST}")),
    ]
    assert all(cookie["secure"] for cookie in secure)
    assert not cookie_in(await sign_in(client))["secure"]


async def test_header_precedes_cookie(client: httpx.AsyncClient, service: Service) -> None:
    """Who brings both is who the header says, or nobody if it says so wrongly."""
    await sign_up(client)
    token = await service.session("jun")
    assert (await me(client, Authorization=f"Bearer {token}")).json()["username"] == "jun"
    for wrong in ("Bearer x", "Bearer", "Bearer "):
        assert (await me(client, Authorization=wrong)).status_code == 401


async def test_nobody_is_401(client: httpx.AsyncClient) -> None:
    """Who is not signed in is told so, with how to."""
    for cookie in (None, "", "x", '"\\377"'):
        headers = {} if cookie is None else {"Cookie": f"{COOKIE}={cookie}"}
        answer = await me(client, **headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        problem_of(answer)


async def test_wrong_sign_in_is_401(client: httpx.AsyncClient) -> None:
    """A wrong password and an unknown name are refused by the same bytes, without a cookie."""
    await sign_up(client)
    wrong = await sign_in(client, password="wrong password")
    unknown = await sign_in(client, username="nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert "set-cookie" not in wrong.headers
    problem_of(wrong)


async def test_sign_out_ends_session(client: httpx.AsyncClient, service: Service) -> None:
    """Signing out answers 204, takes the cookie and makes the token invalid everywhere."""
    token = (await sign_up(client)).json()["token"]
    answer = await client.post("/api/accounts/logout/")
    assert answer.status_code == 204
    assert answer.content == b""
    assert cookie_in(answer)["max-age"] == "0"
    assert COOKIE not in client.cookies
    async with service.client(token=token) as program:
        assert (await me(program)).status_code == 401


async def test_sign_out_spares_others(client: httpx.AsyncClient, service: Service) -> None:
    """Signing out by a bearer token ends its session, and no other of the same person."""
    here = (await sign_up(client)).json()["token"]
    async with service.client() as elsewhere:
        await sign_in(elsewhere)
        answer = await client.post(
            "/api/accounts/logout/", headers={"Authorization": f"Bearer {here}"}
        )
        assert answer.status_code == 204
        assert (await me(elsewhere)).status_code == 200


async def test_sign_out_needs_no_session(client: httpx.AsyncClient) -> None:
    """Who is not signed in, or no longer, is signed out without complaint."""
    assert (await client.post("/api/accounts/logout/")).status_code == 204
    headers = {"Authorization": "Bearer x"}
    assert (await client.post("/api/accounts/logout/", headers=headers)).status_code == 204


@pytest.mark.parametrize("taken", ["Mina", "mina", "MINA", FULL_WIDTH, " mina "], ids=ascii)
async def test_taken_name_is_409(client: httpx.AsyncClient, service: Service, taken: str) -> None:
    """A name that somebody has, or that looks the same, is told to be taken."""
    await service.account("Mina")
    answer = await sign_up(client, taken)
    assert answer.status_code == 409
    assert set(problem_of(answer)["errors"]) == {"username"}
    assert "set-cookie" not in answer.headers


async def test_same_name_at_once(client: httpx.AsyncClient) -> None:
    """Of many who choose the same name at the same time one gets it."""
    answers = await asyncio.gather(*(sign_up(client) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize("name", ["m", "민아", "x" * 30, "mina@example.org", "Zoë", "m.i+n-a_1"])
async def test_good_names_are_accepted(client: httpx.AsyncClient, name: str) -> None:
    """Names are 1 to 30 letters of any script, digits, and a few signs."""
    answer = await sign_up(client, name)
    assert answer.status_code == 201
    assert answer.json()["user"]["username"] == name
    assert (await sign_in(client, name)).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        *["", " ", "x" * 31, "a b", "a\nb", "a\0b", "\ud800", "a\u200bb", "a\u202eb"],
        *[".mina", "-mina", "<b>", "a/b", "a,b", "📚"],
    ],
    ids=ascii,
)
async def test_bad_names_are_422(client: httpx.AsyncClient, name: str) -> None:
    """Other names are refused, and told by field."""
    answer = await client.post(
        "/api/accounts/signup/",
        content=f'{{"username": {_json(name)}, "password": "{PASSWORD}"}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert set(problem_of(answer)["errors"]) == {"username"}


@pytest.mark.parametrize("name", [FULL_WIDTH, " mina ", DECOMPOSED], ids=ascii)
async def test_name_works_as_typed(client: httpx.AsyncClient, name: str) -> None:
    """Who signed up with a name can sign in with the same one, typed in the same way."""
    assert (await sign_up(client, name)).status_code == 201
    assert (await sign_in(client, name)).status_code == 200


@pytest.mark.parametrize(
    ("password", "status"),
    [("x" * 7, 422), ("x" * 8, 201), ("x" * 200, 201), ("x" * 201, 422), ("비밀번호비밀번호", 201)],
    ids=str,
)
async def test_passwords_have_bounds(client: httpx.AsyncClient, password: str, status: int) -> None:
    """A password has 8 to 200 characters, any of them, and is never echoed."""
    answer = await sign_up(client, password=password)
    assert answer.status_code == status
    assert password not in answer.text
    if status == 422:
        assert set(problem_of(answer)["errors"]) == {"password"}
    else:
        assert (await sign_in(client, password=password)).status_code == 200


@pytest.mark.parametrize("address", ["/api/accounts/signup/", "/api/accounts/login/"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "mina"},
        {"username": 5, "password": PASSWORD},
        {"username": "mina", "password": None},
        {"username": ["mina"], "password": {}},
    ],
    ids=str,
)
async def test_missing_fields_are_422(
    client: httpx.AsyncClient, address: str, body: dict[str, Any]
) -> None:
    """What is missing or of the wrong kind is told by field."""
    answer = await client.post(address, json=body)
    assert answer.status_code == 422
    assert problem_of(answer)["errors"]


async def test_long_passwords_are_not_hashed(client: httpx.AsyncClient) -> None:
    """A password that is too long for any account is refused before it is looked at."""
    answer = await sign_in(client, password="x" * 60_000)
    assert answer.status_code == 422
    problem_of(answer)


async def test_slash_may_be_left_out(client: httpx.AsyncClient) -> None:
    """Every address works without its last slash, without a redirect."""
    body = {"username": "mina", "password": PASSWORD}
    assert (await client.post("/api/accounts/signup", json=body)).status_code == 201
    assert (await client.post("/api/accounts/login", json=body)).status_code == 200
    assert (await client.get("/api/accounts/me")).status_code == 200
    assert (await client.post("/api/accounts/logout")).status_code == 204


@pytest.mark.parametrize("action", ["signup", "login", "logout"])
async def test_forms_are_not_fetched(client: httpx.AsyncClient, action: str) -> None:
    """What changes something cannot be asked for by GET."""
    answer = await client.get(f"/api/accounts/{action}/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    problem_of(answer)


async def test_site_token_is_a_bearer(tmp_path: Path) -> None:
    """A token of the site's login signs in, makes an account on first use, and can post."""
    now = time.time()
    claims = {"sub": "7", "username": "mina", "iat": now, "exp": now + 60}
    token = jwt.encode(claims, SECRET, "HS256")
    async with serving(tmp_path, jwt_secret=SECRET) as service, service.client(token=token) as mina:
        first, second = await me(mina), await me(mina)
        assert first.status_code == 200
        assert first.json()["username"] == "mina"
        assert second.json() == first.json()
        answer = await mina.post("/api/reviews/", json={"book": 1, "content": "좋아요"})
        assert answer.status_code == 201
        assert answer.json()["user"] == first.json()


@pytest.mark.parametrize("wrong", ["expired", "forged", "garbage", "nested"])
async def test_wrong_site_token_is_401(tmp_path: Path, wrong: str) -> None:
    """A token that is over, forged or none is a problem, and never an error of ours."""
    token = {
        "expired": jwt.encode({"sub": "7", "exp": 1}, SECRET, "HS256"),
        "forged": jwt.encode({"sub": "7", "exp": time.time() + 60}, SECRET[::-1], "HS256"),
        "garbage": "a.b.c",
        "nested": "W1tb" * 3_000 + ".a.b",
    }[wrong]
    async with serving(tmp_path, jwt_secret=SECRET) as service, service.client(token=token) as mina:
        answer = await me(mina)
    assert answer.status_code == 401
    problem_of(answer)


async def test_own_sessions_work_beside_site(tmp_path: Path) -> None:
    """Where the site has a login, accounts of our own sign in as ever."""
    async with serving(tmp_path, jwt_secret=SECRET) as service, service.client() as client:
        assert (await sign_up(client)).status_code == 201
        assert (await sign_in(client)).status_code == 200
        assert (await me(client)).json()["username"] == "mina"


def _json(text: str) -> str:
    return '"' + "".join(f"\\u{ord(each):04x}" for each in text if ord(each) < 0x10000) + '"'


# Too many attempts.


async def test_too_many_sign_ins_as_somebody(tmp_path: Path) -> None:
    """Passwords cannot be tried without end: soon even the right one is not looked at."""
    async with (
        serving(tmp_path, sign_ins_per_username="3/minute") as service,
        service.client() as client,
    ):
        await sign_up(client)
        tried = [await sign_in(client, name, "wrong") for name in ("mina", "MINA", FULL_WIDTH)]

        answer = await sign_in(client)
        assert [each.status_code for each in tried] == [401, 401, 401]
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert (await sign_in(client, "jun")).status_code == 401
        client.headers["X-Forwarded-For"] = "203.0.113.9"  # the owner is not locked out
        assert (await sign_in(client)).status_code == 200


async def test_too_many_sign_ins_from_an_address(tmp_path: Path) -> None:
    """An address can try so many names and make so many accounts, in the API or the pages."""
    async with (
        serving(tmp_path, sign_ins_per_address="3/minute") as service,
        service.client() as client,
    ):
        await sign_up(client)
        await sign_in(client, "jun")
        form = {"username": "sora", "password": PASSWORD}
        page = await client.post("/sign-up/", data=form)
        assert page.status_code == 303

        assert (await sign_up(client, "hana")).status_code == 429
        page = await client.post("/sign-in/", data=form)
        assert page.status_code == 429
        assert 0 < int(page.headers["retry-after"]) <= 60
        assert "Too many attempts. Try again later." in page.text
        assert (await client.post("/sign-up/", data=form)).status_code == 429


async def test_too_many_sign_outs_from_an_address(tmp_path: Path) -> None:
    """Sessions that are none cannot be ended without end, in the API or the pages."""
    async with (
        serving(tmp_path, writes_per_address="2/minute") as service,
        service.client(token="none") as client,
        service.client() as nobody,
    ):
        assert (await client.post("/api/accounts/logout/")).status_code == 204
        assert (await client.post("/sign-out/", data={"next": "/"})).status_code == 303

        answer = await client.post("/api/accounts/logout/")
        assert answer.status_code == 429
        problem_of(answer)
        assert (await client.post("/sign-out/", data={"next": "/"})).status_code == 429
        assert (await nobody.post("/api/accounts/logout/")).status_code == 204
