"""Refusals: what a request is told that does not come to the application, and why."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from livria_sse.server.sizes import Sizes


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
NO_HOST = Refusal(HTTPStatus.BAD_REQUEST, "it must name one Host")
#: The parser would take the body for the next request, whoever has written it.
BODY_BESIDE_UPGRADE = Refusal(HTTPStatus.BAD_REQUEST, "with a body, it must not offer an Upgrade")
TOO_MANY_PIECES = Refusal(HTTPStatus.BAD_REQUEST, "its body comes in too many pieces")
TOO_SLOW = Refusal(HTTPStatus.REQUEST_TIMEOUT, "it did not come in time")


def target_too_long(sizes: Sizes) -> Refusal:
    """For a request whose target is too long, or has too many fields."""
    why = f"its target must have at most {sizes.target} bytes and {sizes.fields} fields"
    return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, why)


def head_too_large(sizes: Sizes) -> Refusal:
    """For a request whose head is too large, or has too many headers."""
    why = f"its head must have at most {sizes.head} bytes and {sizes.headers} headers"
    return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, why)


Headers = Sequence[tuple[bytes, bytes]]


def fault_of_head(
    target: bytes, headers: Headers, sizes: Sizes, *, version: str, upgrades: bool
) -> Refusal | None:
    """What is wrong with the head of a request, if anything is."""
    if len(target) > sizes.target or target.count(b"&") >= sizes.fields:
        return target_too_long(sizes)
    if len(target) + sum([len(name) + len(value) + 4 for name, value in headers]) > sizes.head:
        return head_too_large(sizes)
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
