"""What changed in books: what their stream tells, for those who cannot be sent one."""

from __future__ import annotations

from starlette.responses import Response

from livria_sse.documents import JSONText, changes_json
from livria_sse.errors import InvalidInput
from livria_sse.hub import Answer, Hub
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.params import book_of_input, named_books, query_book
from livria_sse.web.resource import resource
from livria_sse.web.state import Request


async def since(request: Request) -> Response:
    """What changed in a book after a position, as its stream tells it."""
    book_id = query_book(request)
    hub = request.state["hub"]
    with book_of_input():
        (answer,) = await hub.reception.answers([book_id], _after(request))
    return JSONAnswer(_told(answer, hub))


async def since_in_several(request: Request) -> Response:
    """What changed in several books after an id of their one stream, in the order of its books."""
    book_ids = named_books(request.query_params.getlist("book"))
    hub = request.state["hub"]
    with book_of_input():
        answers = await hub.reception.answers(book_ids, _after(request))
    told = ",".join(_told(answer, hub) for answer in answers)
    return JSONAnswer(JSONText(f'{{"books":[{told}]}}'))


def _after(request: Request) -> str:
    after = request.query_params.get("after")
    if after is None:
        raise InvalidInput(errors={"after": ["Say after which position."]})
    return after


def _told(answer: Answer, hub: Hub) -> JSONText:
    return changes_json(answer.difference, hub.epoch, reset=answer.reset)


ROUTES = [
    resource("/api/reviews/changes/", GET=since),
    resource("/api/books/changes/", GET=since_in_several),
]
