"""Origins: whose pages may use the API, beside our own (Fetch standard, "CORS protocol")."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
#: What pages may send and read beyond what every page may.
SENT = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Livria-Heartbeat")
READ = ("Livria-Position", "Location", "Retry-After")


class Origins:
    """Our own origin, and those that the operator has listed: never all of them.

    Pages of those may send their cookies along.
    """

    def __init__(self, listed: tuple[str, ...]) -> None:
        self._listed = frozenset(listed)

    def sent(self, headers: Headers) -> bool:
        """Whether our own pages, those of a listed origin, or no browser have sent a request.

        Browsers say where a request comes from, in `Sec-Fetch-Site` or at least in `Origin`; who
        says neither is no browser.
        """
        if headers.get("origin") in self._listed:
            return True
        if site := headers.get("sec-fetch-site"):
            return site in {"same-origin", "none"}
        return self.may_read(headers)

    def may_read(self, headers: Headers) -> bool:
        """Whether those who have asked will be able to read the answer.

        Links say no origin, and open a document. What else another site asks for without one, as
        pictures, frames and prefetches are, its pages cannot read (Fetch Metadata Request Headers).
        """
        origin = headers.get("origin")
        if origin is None:
            embedded = headers.get("sec-fetch-dest") != "document"
            return not (embedded and headers.get("sec-fetch-site") == "cross-site")
        return origin in self._listed or _is_ours(origin, headers)

    def headers(self, origin: str | None) -> tuple[tuple[bytes, bytes], ...]:
        """What an answer says so that a page of a listed origin can read it."""
        if not self._listed:
            return ()
        if origin not in self._listed:
            return ((b"vary", b"Origin"),)
        return (
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"Origin"),
        )

    def shown(self, refusal: Response, scope: Scope) -> Response:
        """A refusal, so that a page of a listed origin can read it: it goes past the middleware."""
        origin = Headers(scope=scope).get("origin")
        refusal.raw_headers.extend(self.headers(origin))
        if origin in self._listed:
            refusal.headers["Access-Control-Expose-Headers"] = ", ".join(READ)
        return refusal


def _is_ours(origin: str, headers: Headers) -> bool:
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(host) and host == headers.get("host", "").lower()
