"""How a request says who is asking: a cookie for pages, a bearer token for programs."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response

from livria_sse.auth import SignedIn
from livria_sse.errors import InvalidToken, NotSignedIn
from livria_sse.models import Account
from livria_sse.store import Connection, Query
from livria_sse.web.clients import address_of
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


async def writer_of(request: Request) -> Account:
    """Who wants to write, and may.

    Raises:
        NotSignedIn, InvalidToken: As above.
        TooManyRequests: They have written too much.
    """
    _count_address(request)
    account = await account_of(request)
    request.state["throttle"].count("writes_per_account", str(account.user.id))
    return account


async def writer_in(request: Request) -> Query[Account]:
    """The same, to be asked in the transaction of what they want to do."""
    _count_address(request)
    find = await request.state["auth"].holder(_given_token(request))
    count = request.state["throttle"].count

    async def query(connection: Connection) -> Account:
        account = find if isinstance(find, Account) else await find(connection)
        count("writes_per_account", str(account.user.id))
        return account

    return query


def _count_address(request: Request) -> None:
    request.state["throttle"].count("writes_per_address", address_of(request.scope))


def count_sign_in(request: Request, username: str) -> None:
    """Takes note of an attempt to sign in as somebody.

    Raises:
        TooManyRequests: There were too many, as this name or from this address.
    """
    count_sign_up(request)
    # Not the name alone: anybody could lock somebody out.
    who = f"{username.casefold()} {address_of(request.scope)}"
    request.state["throttle"].count("sign_ins_per_username", who)


def count_sign_up(request: Request) -> None:
    """Takes note of an attempt to sign up, which costs as much."""
    request.state["throttle"].count("sign_ins_per_address", address_of(request.scope))


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
