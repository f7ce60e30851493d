"""Who is asking. Nothing here knows how a request carries it."""

from __future__ import annotations

from livria_sse.auth.auth import Auth, SignedIn
from livria_sse.auth.passwords import open_passwords
from livria_sse.auth.site_tokens import SiteTokens

__all__ = ["Auth", "SignedIn", "SiteTokens", "open_passwords"]
