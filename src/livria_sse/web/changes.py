"""What changed in a book: what its stream tells, for those who cannot be sent one."""

from __future__ import annotations

from starlette.responses import Response

from livria_sse.documents import changes_json
from livria_sse.errors import InvalidInput
from livria_sse.web.answers import JSONAnswer
from livria_sse.web.params import book_of_input, query_book
from livria_sse.web.resource import resource
from livria_sse.web.state import Request


async def since(request: Request) -> Response:
    """What changed in a book after a position, as its stream tells it."""
    book_id = query_book(request)
    after = request.query_params.get("after")
    if after is None:
        raise InvalidInput(errors={"after": ["Say after which position."]})
    hub = request.state["hub"]
    with book_of_input():
        difference, reset = await hub.answer(book_id, after)
    return JSONAnswer(changes_json(difference, hub.epoch, reset=reset))


ROUTES = [resource("/api/reviews/changes/", GET=since)]
