"""JSON answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from livria_sse.documents import JSONText, compact_json
from livria_sse.models import Difference, Position
from livria_sse.web.state import Request


class JSONAnswer(Response):
    """A JSON document that no cache keeps: it is true for one position only."""

    media_type = "application/json"

    def __init__(
        self, document: Any, status: int = 200, *, headers: Mapping[str, str] | None = None
    ) -> None:
        text = document if isinstance(document, JSONText) else compact_json(document)
        super().__init__(
            text.encode(),
            status,
            headers={"Cache-Control": "no-store", **(headers or {})},
        )


def position_header(position: Position) -> dict[str, str]:
    """What every write answers: where the book stood when it was done."""
    return {"Livria-Position": str(position)}


def tell(request: Request, difference: Difference) -> Position:
    """Tells the readers of a book what was committed, if anything, and returns where that led."""
    hub = request.state["hub"]
    if difference.changes:
        hub.publish(difference)
    return Position(hub.epoch, difference.head)
