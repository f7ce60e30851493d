"""Static files: scripts, styles and covers."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles


class Static(StaticFiles):
    """Files that browsers keep, and ask about before they use them again.

    Left to themselves, they would use one of yesterday beside one of today (RFC 9111, section
    4.2.2), and the scripts of a page are made for each other.
    """

    def file_response(self, *given: Any, **more: Any) -> Response:
        """Answers with a file, or that it has not changed."""
        response = super().file_response(*given, **more)
        response.headers["Cache-Control"] = "no-cache"
        return response
