"""JSON answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from livria_sse.documents import JSONText, compact_json
from livria_sse.models import Difference, Position
from livria_sse.web.state import Request

#: Characters of a list, which are in memory until it is read (those of Korean have three bytes);
#: and of what is encoded without a break, in less than a millisecond.
LARGEST_LIST, AT_ONCE = 350_000, 50_000


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


async def fitting(documents: Iterable[str]) -> Sequence[str]:
    """Of the documents of a list those that fit into one answer: at least the first.

    They are encoded as they are taken, and now and then others have their turn.
    """
    taken: list[str] = []
    size = at_once = 0
    for document in documents:
        taken.append(document)
        size += len(document)
        if size >= LARGEST_LIST:
            break
        at_once += len(document)
        if at_once >= AT_ONCE:
            at_once = 0
            await asyncio.sleep(0)
    return taken


def listed(name: str, documents: Sequence[str], more: Mapping[str, Any]) -> JSONAnswer:
    """The answer with a list by this name, and more behind it."""
    return JSONAnswer(JSONText(f'{{"{name}":[{",".join(documents)}],{compact_json(more)[1:]}'))


def position_header(position: Position) -> dict[str, str]:
    """What every write answers: where the book stood when it was done."""
    return {"Livria-Position": str(position)}


def tell(request: Request, difference: Difference) -> Position:
    """Tells the readers of a book what was committed, if anything, and returns where that led."""
    hub = request.state["hub"]
    if difference.changes:
        hub.publish(difference)
    return Position(hub.epoch, difference.head)
