"""Bodies of requests: read no further than allowed, and decoded with care."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from livria_sse.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from livria_sse.inputs import validated
from livria_sse.web.lengths import bounded
from livria_sse.web.state import Request

M = TypeVar("M", bound=BaseModel)

#: So much more is received and thrown away before a body is refused: who is still sending when a
#: connection is closed may never see the answer (RFC 9112, section 9.6), and a proxy says 502.
LARGEST_REFUSED = 1024 * 1024
MOST_FIELDS = 20


async def read_json(request: Request, model: type[M]) -> M:
    """The JSON body as a model.

    Only `application/json` is taken: a form or `text/plain` can be sent from any site without
    asking first (Fetch standard, "CORS-safelisted request-header").
    """
    _demand(request, "application/json")
    return validated(model, _decode(await _read(request)))


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a plain form."""
    _demand(request, "application/x-www-form-urlencoded")
    try:
        text = (await _read(request)).decode("ascii")
        return dict(parse_qsl(text, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise MalformedBody("The form is not valid.") from error


def _demand(request: Request, media_type: str) -> None:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise UnsupportedMediaType(f"Send the body as {media_type}.")


async def check_declared_length(request: Request) -> None:
    """Looks at how large a body is to be, whether or not anybody will read it.

    Raises:
        BodyTooLarge: Larger than any that is read.
    """
    declared = request.headers.get("content-length", "0")
    largest = request.state["largest_body"]
    received = largest + LARGEST_REFUSED
    length = bounded(declared, received + 1) if declared.isdecimal() else 0
    if length > largest:
        if length <= received:
            await _discard(request)
        raise _too_large(request)


def _too_large(request: Request) -> BodyTooLarge:
    most = request.state["largest_body"]
    return BodyTooLarge(errors={"body": [f"Use at most {most} bytes."]})


async def _discard(request: Request) -> None:
    with suppress(ClientDisconnect):
        async for _ in request.stream():
            pass


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > request.state["largest_body"]:
                raise _too_large(request)
    except ClientDisconnect as error:
        raise MalformedBody("The body was cut off.") from error
    # To decode the largest takes milliseconds, and many can be complete at once.
    turns = request.state["turns"]
    turns.pace.count_body(request.scope, len(body))
    await turns.take(request.scope)
    return bytes(body)


def _decode(body: bytes) -> dict[str, Any]:
    # Python's json takes more than JSON is (RFC 8259): other encodings, NaN, repeated names. Deep
    # nesting raises RecursionError, which is no ValueError.
    try:
        document = json.loads(
            body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_object
        )
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"The body is not valid JSON: {_reason(error)}.") from error
    if not isinstance(document, dict):
        raise MalformedBody("The body is not a JSON object.")
    return document


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return document


def _reason(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"{error.msg} at character {error.pos}"
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case RecursionError():
            return "it is nested too deeply"
        case _:
            return str(error).partition(";")[0]
