"""What changed in books: what their stream tells, for those who cannot be sent one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from livria_sse.documents import JSONText, changes_json
from livria_sse.errors import InvalidInput
from livria_sse.hub import Answer
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.params import book_of_input, named_books, query_book
from livria_sse.web.resource import resource
from livria_sse.web.state import Request

#: To encode more changes than these takes so long that others have their turn meanwhile.
FEW = 50


async def since(request: Request) -> Response:
    """What changed in a book after a position, as its stream tells it."""
    book_id = query_book(request)
    (told,) = await _told(request, [book_id])
    return JSONAnswer(told)


async def since_in_several(request: Request) -> Response:
    """What changed in several books after an id of their one stream, in the order of its books."""
    book_ids = named_books(request.query_params.getlist("book"))
    told = ",".join(await _told(request, book_ids))
    return JSONAnswer(JSONText(f'{{"books":[{told}]}}'))


def _after(request: Request) -> str:
    after = request.query_params.get("after")
    if after is None:
        raise InvalidInput(errors={"after": ["Say after which position."]})
    return after


async def _told(request: Request, book_ids: Sequence[int]) -> Sequence[JSONText]:
    hub = request.state["hub"]
    after = _after(request)
    async with request.state["turns"].alone(request.scope):
        with book_of_input():
            answers = await hub.reception.answers(book_ids, after)
        if sum(len(answer.difference.changes) for answer in answers) <= FEW:
            return _encoded(answers, hub.epoch)
        return await asyncio.to_thread(_encoded, answers, hub.epoch)


def _encoded(answers: Sequence[Answer], epoch: str) -> Sequence[JSONText]:
    return [changes_json(answer.difference, epoch, reset=answer.reset) for answer in answers]


ROUTES = [
    resource("/api/reviews/changes/", GET=since),
    resource("/api/books/changes/", GET=since_in_several),
]
