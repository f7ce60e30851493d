"""Bad input: always a problem that says what is wrong, never an error of ours, nothing written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import quote, quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from livria_sse.models import LARGEST_NUMBER
from livria_sse.settings import Settings
from livria_sse.web.body import LARGEST_REFUSED
from tests.web.service import Service, problem_of

BOOK, UNKNOWN_BOOK = 10, 99
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GOOD = b'{"book": 10, "content": "good"}'
LARGEST_BODY = Settings().max_body_bytes
LARGEST_RECEIVED = LARGEST_BODY + LARGEST_REFUSED

#: Examples of each property: enough to meet the grammar's corners, few enough to run every time.
FUZZED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@pytest.fixture(scope="module")
async def mina(shared: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A reader who is signed in, and has written review 1 of the book."""
    async with shared.client(token=await shared.session("mina")) as mina:
        answer = await mina.post("/api/reviews/", json={"book": BOOK, "content": "before"})
        assert answer.json()["id"] == 1
        yield mina


@pytest.fixture
async def nothing_written(shared: Service, mina: httpx.AsyncClient) -> AsyncIterator[None]:
    """No book has moved when the test is over, and review 1 is as it was."""
    heads, review = await shared.heads(), (await mina.get("/api/reviews/1/")).json()
    yield
    assert await shared.heads() == heads
    assert (await mina.get("/api/reviews/1/")).json() == review


def every_json_endpoint() -> list[tuple[str, str]]:
    """Where a JSON body is read."""
    return [
        ("POST", "/api/reviews/"),
        ("PATCH", "/api/reviews/1/"),
        ("PUT", "/api/reviews/1/"),
        ("POST", "/api/accounts/signup/"),
        ("POST", "/api/accounts/login/"),
    ]


def with_content(content: str) -> bytes:
    """A review with a content that is JSON already."""
    return f'{{"book": {BOOK}, "content": {content}}}'.encode()


# Bodies that are no JSON object.

MALFORMED = {
    "nothing": b"",
    "space": b" ",
    "word": b"nope",
    "NUL": b"\0",
    "half": b'{"book": 10, "content": "x',
    "two": GOOD + GOOD,
    "trailing": GOOD + b"x",
    "single quotes": b"{'book': 10, 'content': 'x'}",
    "comma at the end": b'{"book": 10, "content": "x",}',
    "comment": b'/* */ {"book": 10, "content": "x"}',
    "bare name": b'{book: 10, "content": "x"}',
    "hexadecimal": b'{"book": 0xA, "content": "x"}',
    "leading zero": b'{"book": 010, "content": "x"}',
    "newline in a string": b'{"book": 10, "content": "a\nb"}',
    "NUL in a string": b'{"book": 10, "content": "a\0b"}',
    "NaN": b'{"book": NaN, "content": "x"}',
    "Infinity": b'{"book": Infinity, "content": "x"}',
    "-Infinity": b'{"book": -Infinity, "content": "x"}',
    "NaN elsewhere": b'{"book": 10, "content": "x", "stars": NaN}',
    "name twice": b'{"book": 10, "book": 11, "content": "x"}',
    "name twice alike": b'{"book": 10, "content": "x", "content": "x"}',
    "name twice inside": b'{"book": 10, "content": "x", "more": {"a": 1, "a": 1}}',
    "number of 5,000 digits": b'{"book": ' + b"1" * 5_000 + b', "content": "x"}',
    "negative of 5,000 digits": b'{"book": -' + b"1" * 5_000 + b', "content": "x"}',
    "nested lists": b"[" * 60_000,
    "nested and closed": b"[" * 30_000 + b"]" * 30_000,
    "nested objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "nested inside": with_content("[" * 20_000 + "]" * 20_000),
    "invalid UTF-8": with_content('"x"').replace(b"x", b"\xff"),
    "cut UTF-8": with_content('"x"').replace(b"x", b"\xec\xa2"),
    "overlong UTF-8": with_content('"x"').replace(b"x", b"\xc0\x80"),
    "surrogate in UTF-8": with_content('"x"').replace(b"x", b"\xed\xa0\x80"),
    "Latin-1": with_content('"é"').decode().encode("latin-1"),
    "EUC-KR": with_content('"좋아요"').decode().encode("euc-kr"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without BOM": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "BOM": b"\xef\xbb\xbf" + GOOD,
    "list": b"[]",
    "list of objects": b"[" + GOOD + b"]",
    "text": b'"text"',
    "number": b"5",
    "true": b"true",
    "null": b"null",
    "a form": b"book=10&content=x",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_body_is_400(
    mina: httpx.AsyncClient, body: bytes, nothing_written: None
) -> None:
    """What is no JSON object in UTF-8 is 400 wherever a body is read."""
    for method, address in every_json_endpoint():
        answer = await mina.request(method, address, content=body, headers=JSON)
        assert answer.status_code == 400
        assert problem_of(answer)["title"] == "Bad Request"


async def test_problems_echo_nothing(mina: httpx.AsyncClient, nothing_written: None) -> None:
    """A problem does not give back what was sent, which may be long, or a password."""
    secret = "correct horse battery"
    for body in (
        f'{{"username": "mina", "password": "{secret}", "password": "{secret}"}}',
        f'{{"username": "mina", "password": "{secret}"',
        f'{{"username": "mina", "password": ["{secret}"]}}',
        f'{{"username": "", "password": "{secret * 20}"}}',
    ):
        for address in ("/api/accounts/signup/", "/api/accounts/login/"):
            answer = await mina.post(address, content=body, headers=JSON)
            assert answer.status_code in {400, 401, 422}
            assert secret not in problem_of(answer)["detail"] + answer.text


# Objects that are no review.

WRONG_FIELDS = {
    "book missing": ('{"content": "x"}', "book"),
    "book null": ('{"book": null, "content": "x"}', "book"),
    "book a whole float": ('{"book": 10.0, "content": "x"}', "book"),
    "book a float": ('{"book": 10.5, "content": "x"}', "book"),
    "book an exponent": ('{"book": 1e1, "content": "x"}', "book"),
    "book beyond floats": ('{"book": 1e999, "content": "x"}', "book"),
    "book true": ('{"book": true, "content": "x"}', "book"),
    "book a text": ('{"book": "10", "content": "x"}', "book"),
    "book a list": ('{"book": [10], "content": "x"}', "book"),
    "book an object": ('{"book": {"id": 10}, "content": "x"}', "book"),
    "book zero": ('{"book": 0, "content": "x"}', "book"),
    "book negative": ('{"book": -1, "content": "x"}', "book"),
    "book unknown": (f'{{"book": {UNKNOWN_BOOK}, "content": "x"}}', "book"),
    "book largest": (f'{{"book": {LARGEST_NUMBER}, "content": "x"}}', "book"),
    "book of 54 bits": (f'{{"book": {2**53}, "content": "x"}}', "book"),
    "book of 64 bits": (f'{{"book": {2**63}, "content": "x"}}', "book"),
    "book of 65 bits": (f'{{"book": {2**64}, "content": "x"}}', "book"),
    "book of 4,000 digits": (f'{{"book": {"1" * 4_000}, "content": "x"}}', "book"),
    "content missing": ('{"book": 10}', "content"),
    "content null": ('{"book": 10, "content": null}', "content"),
    "content a number": ('{"book": 10, "content": 5}', "content"),
    "content true": ('{"book": 10, "content": true}', "content"),
    "content a list": ('{"book": 10, "content": ["x"]}', "content"),
    "content an object": ('{"book": 10, "content": {"x": 1}}', "content"),
    "nothing": ("{}", "content"),
}
WRONG_CONTENTS = {
    "empty": "",
    "spaces": "   ",
    "line ends": "\r\n\t\n",
    "wide spaces": "\u3000\u2003",
    "too long": "x" * 5_001,
    "too long of others": "책" * 5_001,
    "too long in NFC": "\u0958" * 2_501,
    "NUL": "a\0b",
    "bell": "a\x07b",
    "escape": "a\x1bb",
    "form feed at the end": "a\x0c",
    "delete": "a\x7fb",
    "next line": "a\x85b",
    "lone surrogate": "a\ud800b",
    "lone low surrogate": "\udc00",
    "surrogates in the wrong order": "\udc00\ud800",
}


@pytest.mark.parametrize(("body", "field"), WRONG_FIELDS.values(), ids=WRONG_FIELDS)
async def test_wrong_field_is_422(
    mina: httpx.AsyncClient, body: str, field: str, nothing_written: None
) -> None:
    """What is no review is 422 and says which field is wrong."""
    answer = await mina.post("/api/reviews/", content=body, headers=JSON)
    assert answer.status_code == 422
    assert field in problem_of(answer)["errors"]
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("content", WRONG_CONTENTS.values(), ids=WRONG_CONTENTS)
async def test_wrong_content_is_422(
    mina: httpx.AsyncClient, content: str, nothing_written: None
) -> None:
    """What is no text of a review is 422, posted or edited, and so is whatever escapes it."""
    for method, address in (
        ("POST", "/api/reviews/"),
        ("PATCH", "/api/reviews/1/"),
        ("PUT", "/api/reviews/1/"),
    ):
        body = json.dumps({"book": BOOK, "content": content})
        answer = await mina.request(method, address, content=body, headers=JSON)
        assert answer.status_code == 422
        assert set(problem_of(answer)["errors"]) == {"content"}


@pytest.mark.parametrize(
    "key",
    [b"", b"a b", b"a\tb", b"x" * 256, b"x" * 60_000, b"\x7f", "열쇠".encode(), b"\xff", b"\0"],
    ids=lambda key: repr(key[:8]) + str(len(key)),
)
async def test_wrong_key_is_422(mina: httpx.AsyncClient, key: bytes, nothing_written: None) -> None:
    """An Idempotency-Key is 1 to 255 visible characters of ASCII."""
    headers = {b"Content-Type": b"application/json", b"Idempotency-Key": key}
    answer = await mina.post("/api/reviews/", content=GOOD, headers=headers)
    assert answer.status_code == 422
    assert set(problem_of(answer)["errors"]) == {"Idempotency-Key"}


# Types and sizes.


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json, text/plain",
        "application",
        "json",
        "*/*",
        ";",
    ],
)
async def test_other_types_are_415(
    mina: httpx.AsyncClient, sent: str | None, nothing_written: None
) -> None:
    """A body that does not say that it is JSON is 415, even if it is."""
    headers = {} if sent is None else {"Content-Type": sent}
    for method, address in every_json_endpoint():
        answer = await mina.request(method, address, content=GOOD, headers=headers)
        assert answer.status_code == 415
        problem_of(answer)


async def test_type_may_have_parameters(mina: httpx.AsyncClient) -> None:
    """JSON may be said in any case and with a charset."""
    for sent in ("application/json", "Application/JSON", "application/json; charset=utf-8"):
        answer = await mina.post("/api/reviews/", content=GOOD, headers={"Content-Type": sent})
        assert answer.status_code == 201


async def in_pieces(body: bytes, size: int = 1_000) -> AsyncIterator[bytes]:
    """A body without a Content-Length."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def test_body_may_be_64_kib(mina: httpx.AsyncClient) -> None:
    """A body of exactly 64 KiB is read, with a Content-Length and without."""
    body = GOOD.ljust(LARGEST_BODY)
    whole = await mina.post("/api/reviews/", content=body, headers=JSON)
    pieces = await mina.post("/api/reviews/", content=in_pieces(body), headers=JSON)
    assert whole.status_code == pieces.status_code == 201
    assert "content-length" in whole.request.headers
    assert "content-length" not in pieces.request.headers


TOO_LARGE = {
    "one byte more": GOOD.ljust(LARGEST_BODY + 1),
    "no JSON": b"x" * (LARGEST_BODY + 1),
    "100,000 lists": b"[" * 100_000,
    "a long content": with_content('"' + "x" * 1_000_000 + '"'),
}


@pytest.mark.parametrize("body", TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.parametrize("chunked", [False, True])
async def test_larger_body_is_413(
    mina: httpx.AsyncClient, body: bytes, chunked: bool, nothing_written: None
) -> None:
    """A body over 64 KiB is 413 wherever one is read, with a Content-Length and without."""
    for method, address in every_json_endpoint():
        content = in_pieces(body) if chunked else body
        answer = await mina.request(method, address, content=content, headers=JSON)
        assert answer.status_code == 413
        assert problem_of(answer)["errors"] == {"body": ["Use at most 65536 bytes."]}


@pytest.mark.parametrize("length", ["1" * 5_000, "9" * 19, "-1", "x", "0", "²"])
async def test_length_is_not_believed(
    mina: httpx.AsyncClient, length: str, nothing_written: None
) -> None:
    """Whatever Content-Length says, no more than 64 KiB are read."""
    headers = {
        b"Content-Type": b"application/json",
        b"Content-Length": length.encode("latin-1"),
    }
    body = in_pieces(b" " * (LARGEST_BODY + 1))
    answer = await mina.post("/api/reviews/", content=body, headers=headers)
    assert answer.status_code == 413
    problem_of(answer)


@pytest.mark.parametrize("address", ["/", "/books/1/", "/api/books/1/", "/healthz", "/sse/books/"])
async def test_large_bodies_nobody_reads(mina: httpx.AsyncClient, address: str) -> None:
    """A body over 64 KiB is 413 also where none is read; a smaller one is passed over."""
    large = await mina.request("GET", address, content=b"x" * (LARGEST_BODY + 1))
    small = await mina.request("GET", address, content=b"x")

    assert large.status_code == 413
    assert small.status_code in {200, 422}


async def test_endless_body_is_left(mina: httpx.AsyncClient, nothing_written: None) -> None:
    """Of a body that never ends no more is read than may be, whoever sends it."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 10 * LARGEST_BODY:  # so that this test ends, whatever happens
            read += 1_024
            yield b" " * 1_024

    answer = await mina.post("/api/reviews/", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert read <= LARGEST_BODY + 1_024


@pytest.mark.parametrize(
    "length",
    [str(LARGEST_RECEIVED + 1), "9" * 18, "9" * 19, "1" * 5_000, f"{LARGEST_RECEIVED + 1:05005}"],
    ids=len,
)
async def test_declared_size_is_enough(
    mina: httpx.AsyncClient, length: str, nothing_written: None
) -> None:
    """A body that declares to be far too large is refused before any of it is read."""

    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    headers = {**JSON, "Content-Length": length}
    answer = await mina.post("/api/reviews/", content=unread(), headers=headers)
    assert answer.status_code == 413


async def test_large_bodies_are_received(mina: httpx.AsyncClient, nothing_written: None) -> None:
    """Who sends not much too much has sent all of it when they are refused, and reads why."""
    read = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal read
        while read < LARGEST_RECEIVED:
            read += 1_024
            yield b" " * 1_024

    headers = {**JSON, "Content-Length": str(LARGEST_RECEIVED)}
    answer = await mina.post("/api/reviews/", content=counted(), headers=headers)
    assert answer.status_code == 413
    assert read == LARGEST_RECEIVED


async def test_declared_zeros_are_no_size(mina: httpx.AsyncClient) -> None:
    """Zeros in front of a length do not make it a larger one."""
    headers = {**JSON, "Content-Length": "0" * 30 + str(len(GOOD))}
    answer = await mina.post("/api/reviews/", content=GOOD, headers=headers)
    assert answer.status_code == 201


# Addresses.

WRONG_IDS = [
    *["0", "-1", "+1", "1.0", "1e1", "1_0", "0x1", "x", "null", "NaN", "1;2", "1,2", "*"],
    *["%00", "1%00", "%20", "1%20", "%0A", "1%0A", "..%2f1", "%FF", "%ED%A0%80"],
    *["%EF%BC%91", "%D9%A1", "%C2%B2"],  # digits, but not those of ASCII
    *["9" * 16, "9" * 17, "9" * 30, "1" * 5_000, "0" * 5_000 + "1"],
    *[str(LARGEST_NUMBER), str(2**53), str(2**63 - 1), str(2**63), str(2**64)],
]


@pytest.mark.parametrize("wrong", WRONG_IDS, ids=lambda wrong: f"{wrong[:20]} {len(wrong)}")
async def test_wrong_id_is_404(mina: httpx.AsyncClient, wrong: str, nothing_written: None) -> None:
    """An id in a path that names nothing is 404, whatever it is, for every method."""
    for method, address, headers in (
        ("GET", f"/api/books/{wrong}/", JSON),
        ("GET", f"/api/reviews/{wrong}/", JSON),
        ("PATCH", f"/api/reviews/{wrong}/", JSON),
        ("PUT", f"/api/reviews/{wrong}/", JSON),
        ("DELETE", f"/api/reviews/{wrong}/", JSON),
        ("GET", f"/sse/books/{wrong}/", JSON),
        ("GET", f"/books/{wrong}/", JSON),
        ("POST", f"/books/{wrong}/reviews/", FORM),
        ("POST", f"/books/{BOOK}/reviews/{wrong}/edit/", FORM),
        ("POST", f"/books/{BOOK}/reviews/{wrong}/delete/", FORM),
    ):
        body = GOOD if headers is JSON else b"content=x"
        answer = await mina.request(method, address, content=body, headers=headers)
        assert answer.status_code == 404
        if headers is JSON and not address.startswith("/books/"):
            problem_of(answer)


WRONG_NUMBERS = [
    *["", "0", "-1", "+1", "x", "1.5", "1e1", "NaN", "%201", "1%20", "1,2", "[1]", "%00", "%FF"],
    *["%EF%BC%91", "%D9%A1"],  # digits, but not those of ASCII
    *["9" * 17, "1" * 5_000, str(2**53), str(2**63)],
]


@pytest.mark.parametrize("wrong", WRONG_NUMBERS, ids=lambda wrong: f"{wrong[:20]} {len(wrong)}")
@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/api/books/", "after"),
        ("/api/books/", "limit"),
        ("/api/reviews/", "book"),
        (f"/api/reviews/?book={BOOK}", "before"),
        (f"/api/reviews/?book={BOOK}", "limit"),
    ],
)
async def test_wrong_number_is_422(
    mina: httpx.AsyncClient, address: str, name: str, wrong: str
) -> None:
    """A number in the query that is none, or too large, is 422 and named."""
    answer = await mina.get(f"{address}{'&' if '?' in address else '?'}{name}={wrong}")
    assert answer.status_code == 422
    assert set(problem_of(answer)["errors"]) == {name}


@pytest.mark.parametrize("address", ["/api/reviews/?limit=201&book=1", "/api/books/?limit=101"])
async def test_large_pages_are_422(mina: httpx.AsyncClient, address: str) -> None:
    """No page is longer than the largest."""
    answer = await mina.get(address)
    assert answer.status_code == 422
    assert set(problem_of(answer)["errors"]) == {"limit"}


async def test_reviews_need_a_book(mina: httpx.AsyncClient) -> None:
    """Reviews are those of a book, which has to be named."""
    answer = await mina.get("/api/reviews/")
    assert answer.status_code == 422
    assert set(problem_of(answer)["errors"]) == {"book"}


async def test_reviews_need_a_known_book(mina: httpx.AsyncClient) -> None:
    """The reviews of a book that is not in the catalogue are a problem, not an empty page."""
    answer = await mina.get(f"/api/reviews/?book={UNKNOWN_BOOK}")
    assert answer.status_code in {404, 422}
    problem_of(answer)


@pytest.mark.parametrize(
    "address",
    [
        "/nope",
        "/api/",
        "/api/nope/",
        "/api/books/1/2/",
        "/api//books/",
        "/sse/",
        "/static/",
        "/static/nope",
        "/static/..%2f__init__.py",
        "/static/%00",
        "/static/" + "x" * 5_000,
        "/%FF",
        "/healthz/nope",
    ],
    ids=lambda address: address[:24],
)
async def test_unknown_address_is_404(mina: httpx.AsyncClient, address: str) -> None:
    """An address that leads nowhere is a problem, like any other."""
    answer = await mina.get(address)
    assert answer.status_code == 404
    problem_of(answer)


async def test_no_page_for_a_file_that_is_not_there(mina: httpx.AsyncClient) -> None:
    """Files have a quick pace of their own: what is none of them costs no more than a file."""
    answer = await mina.get("/static/nope", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    problem_of(answer)


@pytest.mark.parametrize("wrong", ["0", "-1", "1.5", "x", "1, 2", "\u00b2", "9" * 5_000])
@pytest.mark.parametrize("address", [f"/sse/books/{BOOK}/", f"/sse/books/?book={BOOK}"])
async def test_wrong_interval_is_422(mina: httpx.AsyncClient, address: str, wrong: str) -> None:
    """A stream with an interval of heartbeats that cannot be is refused, by the header's name."""
    headers = {b"Livria-Heartbeat": wrong.encode("latin-1")}
    answer = await mina.get(address, headers=headers)
    assert answer.status_code == 422
    assert problem_of(answer)["errors"] == {"Livria-Heartbeat": ["Use a whole number of seconds."]}


# Forms.


FORMS = [
    f"/books/{BOOK}/reviews/",
    f"/books/{BOOK}/reviews/1/edit/",
    f"/books/{BOOK}/reviews/1/delete/",
    "/sign-up/",
    "/sign-in/",
    "/sign-out/",
    "/language/",
]
WRONG_FORMS = {
    "invalid UTF-8": (b"content=%FF", 400),
    "surrogate": (b"content=%ED%A0%80", 400),
    "not escaped": ("content=좋아요".encode(), 400),
    "NUL byte": (b"content=\xff\x00", 400),
    "many fields": (b"&".join(b"a%d=1" % number for number in range(1_000)), 400),
    "too large": (b"content=" + b"x" * LARGEST_BODY, 413),
}


@pytest.mark.parametrize("address", FORMS)
async def test_wrong_forms_are_refused(
    mina: httpx.AsyncClient, address: str, nothing_written: None
) -> None:
    """A form that cannot be read, is too large or of another type is refused everywhere."""
    for body, status in WRONG_FORMS.values():
        answer = await mina.post(address, content=body, headers=FORM)
        assert answer.status_code == status
    for headers in ({}, JSON, {"Content-Type": "multipart/form-data; boundary=x"}):
        answer = await mina.post(address, content=b"content=x", headers=headers)
        assert answer.status_code == 415


@pytest.mark.parametrize("content", WRONG_CONTENTS.values(), ids=WRONG_CONTENTS)
async def test_wrong_content_in_form(
    mina: httpx.AsyncClient, content: str, nothing_written: None
) -> None:
    """What is no text of a review is refused from a form too."""
    body = f"content={quote(content, errors='surrogatepass')}"
    for address in FORMS[:2]:
        answer = await mina.post(address, content=body, headers=FORM)
        assert answer.status_code in {400, 422}


# Anything at all.


def json_values() -> st.SearchStrategy[Any]:
    """Values that JSON can say, with the texts and numbers that are most trouble."""
    texts = st.text(st.characters()) | st.sampled_from(["\0", "\ud800", "\u2028", "x" * 5_001])
    numbers = st.integers() | st.floats() | st.sampled_from([BOOK, 2**63, 10**400])
    return st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=5,
    )


def damaged() -> st.SearchStrategy[bytes]:
    """A good body with a few bytes in it replaced."""

    def replaced(cut: tuple[int, int], bytes_: bytes) -> bytes:
        first, last = sorted(cut)
        return GOOD[:first] + bytes_ + GOOD[last:]

    place = st.integers(0, len(GOOD))
    return st.builds(replaced, st.tuples(place, place), st.binary(max_size=8))


def bodies() -> st.SearchStrategy[bytes]:
    """Bodies of requests, from any bytes to nearly good ones."""
    fields = st.fixed_dictionaries(
        {}, optional={"book": json_values(), "content": json_values(), "more": json_values()}
    )
    return st.binary(max_size=200) | damaged() | fields.map(lambda each: json.dumps(each).encode())


@given(method_and_address=st.sampled_from(every_json_endpoint()), body=bodies())
@FUZZED
async def test_any_body_is_answered(
    shared: Service,
    mina: httpx.AsyncClient,
    method_and_address: tuple[str, str],
    body: bytes,
) -> None:
    """Whatever bytes are sent as JSON, they are accepted or a problem, and not half of each."""
    before = await shared.heads()
    method, address = method_and_address
    answer = await mina.request(method, address, content=body, headers=JSON)
    if answer.status_code in {200, 201}:
        assert "position" in answer.json() or "token" in answer.json()
    else:
        assert 400 <= answer.status_code < 500
        problem_of(answer)
        assert await shared.heads() == before


def segments() -> st.SearchStrategy[str]:
    """Parts of a path, escaped."""
    known = ["api", "books", "reviews", "accounts", "me", "sse", "static", "sign-in", "10", "1", ""]
    texts = st.text(max_size=12)
    escaped = texts.map(lambda text: quote(text.encode(errors="replace"), safe=""))
    octets = st.binary(max_size=6).map(lambda octets: quote_from_bytes(octets, safe=""))
    return st.sampled_from(known) | st.from_regex(r"[0-9]{1,25}", fullmatch=True) | escaped | octets


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"]),
    path=st.lists(segments(), max_size=5).map("/".join),
    query=st.dictionaries(
        st.sampled_from(["book", "before", "limit", "after", "page", "edit", "next", "x"]),
        st.text(st.characters(codec="utf-8"), max_size=12),
        max_size=3,
    ),
)
@FUZZED
async def test_any_address_is_answered(
    shared: Service, method: str, path: str, query: dict[str, str]
) -> None:
    """Whatever is asked for, and how, it is answered, and never by an error of ours."""
    if path.startswith("sse/"):  # a stream that is open has no end to wait for
        method = "HEAD"
    async with shared.client() as somebody:
        answer = await somebody.request(method, f"http://livria.test/{path}", params=query)
    assert answer.status_code < 500
    assert answer.status_code != 307


@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                *[b"Authorization", b"Cookie", b"Accept-Language", b"Accept", b"Host", b"Origin"],
                *[b"Content-Type", b"Sec-Fetch-Site", b"Idempotency-Key", b"Content-Length"],
            ]
        ),
        st.binary(max_size=20)
        | st.sampled_from([b"Bearer \xff", b"livria_session=\xff", b"http://[", b"[", b"q=1e999"]),
        max_size=4,
    ),
    method=st.sampled_from(["GET", "POST"]),
    address=st.sampled_from(["/", "/books/10/", "/sign-in/", "/api/accounts/me/", "/api/reviews/"]),
)
@FUZZED
async def test_any_headers_are_answered(
    shared: Service, headers: dict[bytes, bytes], method: str, address: str
) -> None:
    """Whatever the headers say, a request is answered, and never by an error of ours."""
    async with shared.client() as somebody:
        answer = await somebody.request(method, address, headers=headers, content=GOOD)
    assert answer.status_code < 500


def forms() -> st.SearchStrategy[bytes]:
    """Bodies of forms, from any bytes to nearly good ones."""
    names = st.sampled_from(["content", "username", "password", "key", "next", "language", "x"])
    values = st.text(st.characters(), max_size=40).map(partial(quote, errors="surrogatepass"))
    fields = st.lists(st.tuples(names, values | st.just("%FF")).map("=".join), max_size=25)
    return st.binary(max_size=200) | fields.map("&".join).map(str.encode)


@given(address=st.sampled_from(FORMS[:2] + FORMS[3:]), body=forms())
@FUZZED
async def test_any_form_is_answered(shared: Service, address: str, body: bytes) -> None:
    """Whatever bytes are sent as a form, they are accepted or refused, and never an error."""
    async with shared.client() as somebody:
        answer = await somebody.post(address, content=body, headers=FORM)
    assert answer.status_code < 500
    if answer.is_redirect:
        assert answer.headers["location"].startswith("/")
        assert not answer.headers["location"].startswith(("//", "/\\"))


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("", 422, "Say which books, each by its number."),
        ("book=", 422, "Say which books, each by its number."),
        ("book=1&book=x", 422, "Say which books, each by its number."),
        ("book=1&book=-1", 422, "Say which books, each by its number."),
        ("book=1&book=2&book=1", 422, "Name each book once."),
        ("&".join(f"book={n}" for n in range(1, 52)), 422, "Name at most 50 books."),
        ("book=1&book=999&book=2", 404, "There is no book 999."),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_shelf_of_nothing(shared: Service, query: str, status: int, reason: str) -> None:
    """A stream of several books that cannot be told from each other, or are not there, is none."""
    async with shared.client() as client:
        answer = await client.get(f"/sse/books/?{query}")

    assert answer.status_code == status
    assert problem_of(answer)["errors"] == {"book": [reason]}
    assert shared.hub.statistics().books == 0
