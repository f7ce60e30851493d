"""Writers: who wants to write or to sign in, and has not done so too often."""

from __future__ import annotations

from livria_sse.models import Account
from livria_sse.store import Connection, Query
from livria_sse.web.clients import address_of
from livria_sse.web.credentials import account_of, holder_of, token_of
from livria_sse.web.state import Request


async def writer_of(request: Request) -> Account:
    """Who wants to write, and may.

    Raises:
        NotSignedIn, InvalidToken: Nobody says who it is, or somebody says so wrongly.
        TooManyRequests: They have written too much.
    """
    _count_address(request)
    account = await account_of(request)
    request.state["throttle"].count("writes_per_account", str(account.user.id))
    return account


async def writer_in(request: Request) -> Query[Account]:
    """The same, to be asked in the transaction of what they want to do."""
    _count_address(request)
    find = await holder_of(request)
    count = request.state["throttle"].count

    async def query(connection: Connection) -> Account:
        account = find if isinstance(find, Account) else await find(connection)
        count("writes_per_account", str(account.user.id))
        return account

    return query


async def moderator_of(request: Request) -> Account:
    """Who wants to moderate; who may is not throttled: nobody should outrun them.

    Raises:
        NotSignedIn, InvalidToken: Nobody says who it is, or somebody says so wrongly.
        TooManyRequests: They may not, and have tried it too often: each time is a transaction.
    """
    account = await account_of(request)
    if not account.staff:
        _count_address(request)
    return account


def count_sign_out(request: Request) -> None:
    """Takes note of the end of a session, which is written whether or not there is one.

    Raises:
        TooManyRequests: There was too much from this address.
    """
    if token_of(request):
        _count_address(request)


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
