"""Refusals: what a request is told that does not come to the application, and why."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

#: Of the request line and all headers.
LARGEST_HEAD = 16 * 1024
#: Of a target: 50 books with a position in each take 3.5 KB, and 101 fields.
LARGEST_TARGET, MOST_FIELDS = 4096, 120
#: To go through many small ones takes 100 times as long as to receive them.
MOST_HEADERS = 100


class Refusal(NamedTuple):
    """A status, and a reason in a line."""

    status: HTTPStatus
    why: str

    def answer(self) -> bytes:
        """The response, after which the connection ends."""
        body = f"{self.status.phrase}: {self.why}\n".encode()
        return (
            b"HTTP/1.1 %d %b\r\n"
            b"content-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\n"
            b"connection: close\r\n\r\n%b"
        ) % (self.status, self.status.phrase.encode(), len(body), body)


NONSENSE = Refusal(HTTPStatus.BAD_REQUEST, "it is no request in HTTP/1.1")
TOO_MANY_WAIT = Refusal(HTTPStatus.BAD_REQUEST, "too many requests wait on this connection")
NO_HOST = Refusal(HTTPStatus.BAD_REQUEST, "it must name one Host")
#: The parser would take the body for the next request, whoever has written it.
BODY_BESIDE_UPGRADE = Refusal(HTTPStatus.BAD_REQUEST, "with a body, it must not offer an Upgrade")
TOO_MANY_PIECES = Refusal(HTTPStatus.BAD_REQUEST, "its body comes in too many pieces")
TOO_SLOW = Refusal(HTTPStatus.REQUEST_TIMEOUT, "it did not come in time")
TARGET_TOO_LONG = Refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG,
    f"its target must have at most {LARGEST_TARGET} bytes and {MOST_FIELDS} fields",
)
HEAD_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"its head must have at most {LARGEST_HEAD} bytes and {MOST_HEADERS} headers",
)

Headers = Sequence[tuple[bytes, bytes]]


def fault_of_head(
    target: bytes, headers: Headers, *, version: str, upgrades: bool
) -> Refusal | None:
    """What is wrong with the head of a request, if anything is."""
    if len(target) > LARGEST_TARGET or target.count(b"&") >= MOST_FIELDS:
        return TARGET_TOO_LONG
    if len(target) + sum([len(name) + len(value) + 4 for name, value in headers]) > LARGEST_HEAD:
        return HEAD_TOO_LARGE
    if not _names_its_host(headers, version):
        return NO_HOST
    if upgrades and _has_body(headers):
        return BODY_BESIDE_UPGRADE
    return None


def _names_its_host(headers: Headers, version: str) -> bool:
    # RFC 9112, section 3.2; HTTP/1.0 knows of no hosts.
    named = [name for name, _ in headers].count(b"host")
    return named == 1 or (not named and version != "1.1")


def _has_body(headers: Headers) -> bool:
    # RFC 9112, section 6.3
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0"))
        for name, value in headers
    )
