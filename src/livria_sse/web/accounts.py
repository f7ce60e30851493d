"""Accounts: signing up, in and out."""

from __future__ import annotations

from starlette.responses import Response

from livria_sse.auth import SignedIn
from livria_sse.documents import user_document
from livria_sse.inputs import Credentials, NewAccount
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.body import read_json
from livria_sse.web.credentials import account_of, forget, remember
from livria_sse.web.resource import resource
from livria_sse.web.state import Request
from livria_sse.web.writers import count_sign_in, count_sign_out, count_sign_up


async def sign_up(request: Request) -> Response:
    """Adds an account and signs it in."""
    chosen = await read_json(request, NewAccount)
    count_sign_up(request)
    auth = request.state["auth"]
    account = await auth.sign_up(chosen.username, chosen.password)
    return _signed_in(request, await auth.open_session(account), status=201)


async def sign_in(request: Request) -> Response:
    """Opens a session."""
    given = await read_json(request, Credentials)
    count_sign_in(request, given.username)
    return _signed_in(request, await request.state["auth"].sign_in(given.username, given.password))


async def sign_out(request: Request) -> Response:
    """Ends the session that the request carries, if any."""
    count_sign_out(request)
    response = Response(status_code=204)
    await forget(request, response)
    return response


async def me(request: Request) -> Response:
    """Who is asking."""
    account = await account_of(request)
    return JSONAnswer(user_document(account.user))


def _signed_in(request: Request, signed_in: SignedIn, *, status: int = 200) -> Response:
    document = {"user": user_document(signed_in.account.user), "token": signed_in.token}
    response = JSONAnswer(document, status)
    remember(request, response, signed_in)
    return response


ROUTES = [
    resource("/api/accounts/signup/", POST=sign_up),
    resource("/api/accounts/login/", POST=sign_in),
    resource("/api/accounts/logout/", POST=sign_out),
    resource("/api/accounts/me/", GET=me),
]
