"""Pages made from templates: their language, their visitor, and their headers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from livria_sse.documents import timestamp
from livria_sse.models import Account
from livria_sse.web.scripts import modules_of
from livria_sse.web.state import Request
from livria_sse.web.words import (
    LANGUAGES,
    REASONS,
    WORDS,
    Language,
    count,
    how_long_ago,
    preferred_language,
)

LANGUAGE_COOKIE = "livria_language"

HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' https:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    ),
    # With no referrer at all, browsers send `Origin: null` with forms, and we could not tell whose.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def language_of(request: Request) -> Language:
    """The language that was chosen, else the one that the browser prefers."""
    match request.cookies.get(LANGUAGE_COOKIE):
        case "ko":
            return "ko"
        case "en":
            return "en"
        case _:
            return preferred_language(request.headers.get("accept-language", ""))


def render(
    request: Request,
    template: str,
    *,
    visitor: Account | None,
    status: int = 200,
    here: str | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page in the language of the request; `here` is where its forms and links lead back to."""
    language = language_of(request)
    page = request.state["templates"].get_template(template)
    text = page.render(
        language=language,
        languages=LANGUAGES,
        words=WORDS[language],
        reasons=REASONS[language],
        visitor=visitor,
        here=here or _here(request),
        now=datetime.now(UTC),
        status=status,
        **values,
    )
    return HTMLResponse(text, status, headers=HEADERS)


def _here(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def open_templates() -> Environment:
    """The templates of this package."""
    environment = Environment(
        loader=PackageLoader("livria_sse"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["timestamp"] = timestamp
    environment.filters["ago"] = how_long_ago
    environment.filters["count_of"] = count
    environment.globals["modules_of"] = modules_of
    return environment
