"""How a request says who is asking: a cookie for pages, a bearer token for programs."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response

from livria_sse.auth import SignedIn
from livria_sse.errors import InvalidToken, NotSignedIn
from livria_sse.models import Account
from livria_sse.store import Query
from livria_sse.web.state import Request

COOKIE = "livria_session"


def token_of(request: Request) -> str | None:
    """The token that a request carries; `Authorization` comes before the cookie."""
    token = bearer_token(request.headers)
    return request.cookies.get(COOKIE) if token is None else token


def bearer_token(headers: Headers) -> str | None:
    """The token in `Authorization` (RFC 6750, section 2.1), which no form can send."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def account_of(request: Request) -> Account:
    """Who is asking.

    Raises:
        NotSignedIn: Nobody says.
        InvalidToken: Somebody says so wrongly.
    """
    return await request.state["auth"].account(_given_token(request))


async def holder_of(request: Request) -> Account | Query[Account]:
    """The same, or how to find it in the transaction of what they want to do."""
    return await request.state["auth"].holder(_given_token(request))


def _given_token(request: Request) -> str:
    token = token_of(request)
    if not token:
        raise NotSignedIn
    return token


async def visitor_of(request: Request) -> Account | None:
    """Who looks at a page; None for somebody who is not, or no longer, signed in."""
    try:
        return await account_of(request)
    except (NotSignedIn, InvalidToken):
        return None


def remember(request: Request, response: Response, signed_in: SignedIn) -> None:
    """Gives the session to the browser."""
    response.set_cookie(
        COOKIE,
        signed_in.token,
        max_age=int(request.state["auth"].lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


async def forget(request: Request, response: Response) -> None:
    """Ends the session, and takes it from the browser."""
    if token := token_of(request):
        await request.state["auth"].sign_out(token)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
