"""Who is asking: accounts of our own, sessions, and tokens of the site's existing login."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import NamedTuple

from livria_sse.auth.passwords import Passwords
from livria_sse.auth.site_tokens import SiteTokens
from livria_sse.errors import WrongCredentials
from livria_sse.models import Account
from livria_sse.store import Query, Store


class SignedIn(NamedTuple):
    """Somebody with a new session."""

    account: Account
    #: The token of the session: shown once, and stored only as a hash.
    token: str


class Auth:
    """Signs people up, in and out, and tells from a token who they are."""

    def __init__(
        self, store: Store, passwords: Passwords, site_tokens: SiteTokens, *, lifetime: timedelta
    ) -> None:
        self._accounts = store.accounts
        self._sessions = store.sessions
        self._passwords = passwords
        self._site_tokens = site_tokens
        #: How long a session lasts.
        self.lifetime = lifetime

    async def sign_up(self, username: str, password: str, *, staff: bool = False) -> Account:
        """Adds an account.

        Raises:
            UsernameTaken: Somebody has the name.
        """
        password_hash = await self._passwords.hash(password)
        return await self._accounts.create(username, password_hash, staff=staff)

    async def sign_in(self, username: str, password: str) -> SignedIn:
        """Opens a session for who knows the password.

        Raises:
            WrongCredentials: Without telling whether there is such an account, by word or by time.
        """
        known = await self._accounts.named(username)
        password_hash = known.password_hash if known else None
        if not await self._passwords.matches(password, password_hash) or not known:
            raise WrongCredentials
        if password_hash and self._passwords.outdated(password_hash):
            stronger = await self._passwords.hash(password)
            await self._accounts.set_password_hash(known.account, stronger)
        return await self.open_session(known.account)

    async def open_session(self, account: Account) -> SignedIn:
        """Opens a session for an account."""
        token = secrets.token_urlsafe(32)
        await self._sessions.create(token, account, lifetime=self.lifetime)
        return SignedIn(account, token)

    async def sign_out(self, token: str) -> None:
        """Ends the session; a token of the site's login is not ours to end."""
        await self._sessions.revoke(token)

    async def account(self, token: str) -> Account:
        """Whose token this is.

        Raises:
            InvalidToken: Nobody's, or no longer.
        """
        if self._is_of_the_site(token):
            return await self._account_of_the_site(token)
        return await self._sessions.account(token)

    async def holder(self, token: str) -> Account | Query[Account]:
        """The same, or how to find it in the transaction of what they want to do."""
        if self._is_of_the_site(token):
            return await self._account_of_the_site(token)
        return self._sessions.holder(token)

    def _is_of_the_site(self, token: str) -> bool:
        # A session's token has no dots; a JWT has two (RFC 7515, section 7.1).
        return self._site_tokens.accepted and token.count(".") == 2

    async def _account_of_the_site(self, token: str) -> Account:
        identity = self._site_tokens.identity(token)
        return await self._accounts.of_subject(identity.subject, identity.username)
