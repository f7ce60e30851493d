"""Attacks by texts: JSON that is large inside, and every kind of Unicode."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from itertools import product

import httpx

from tests.hostile.wire import Target
from tests.parts import PASSWORD

#: What a body may be at most.
LARGEST = 64 * 1024
JSON = {"Content-Type": "application/json"}

BOMBS = {
    "lists": b"[" * LARGEST,
    "closed lists": b"[" * (LARGEST // 2) + b"]" * (LARGEST // 2),
    "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "many lists": b"[" + b"[]," * 21_000 + b"[]]",
    "many objects": b'{"content":[' + b"{}," * 21_000 + b"{}]}",
    "many names": b"{" + b",".join(b'"%d":0' % number for number in range(7_000)) + b"}",
    "one name": b"{" + b'"book":1,' * 7_000 + b'"content":"x"}',
    "digits": b'{"book":' + b"9" * 60_000 + b"}",
    "exponents": b'{"book":1e' + b"9" * 60_000 + b"}",
    "fractions": b'{"book":0.' + b"9" * 60_000 + b"}",
    "escapes": b'{"book":7,"content":"' + b"\\ud800" * 10_000 + b'"}',
    "line ends": b'{"book":7,"content":"' + b"\\r\\n" * 15_000 + b'"}',
    "long when composed": b'{"book":7,"content":"' + "\ufdfa".encode() * 20_000 + b'"}',
    "marks": b'{"book":7,"content":"a' + "\u0301".encode() * 30_000 + b'"}',
    "open text": b'{"book":7,"content":"' + b"x" * 60_000,
    "white space": b" " * LARGEST,
    "bytes": bytes(range(256)) * 255,
    "too much": b"[" * (LARGEST * 4),
}

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN = "\u00ad\u034f\u115f\u180e\u200b\u200d\u2060\u2800\u3164\ufe0f\ufeff\uffa0\U000e0001"
BROKEN = "\0\x07\x1b\x7f\x85\u2028\u2029\ud800\udfff\ufffe\uffff\ufffd\ufff9\U0010ffff\ue000"

TEXTS = {
    "bidi": f"a{BIDI}b",
    "unseen": f"a{UNSEEN}b",
    "marks": "a" + "\u0301\u0489\u20dd" * 500,
    "separators": "a\u2028b\u2029c",
    "no characters": "a\ufffe\uffff\U0001ffffb",
    "private": "\ue000\U000f0000\U0010fffd",
    "unassigned": "a\u0378\U000e0fffb",
    "families": "👩‍👩‍👧‍👦" * 200,
    "flags": "🇰🇷" * 500,
    "one long ligature": "\ufdfa" * 1_000,
    "jamo": unicodedata.normalize("NFD", "좋은 책이에요. " * 100),
    "stream": "x\r\nevent: stream.reset\r\ndata: {}\r\n\r\nid: 1-1\n\n: ",
    "page": "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}%s{0}",
    "byte order": "\ufeffa",
    "lone surrogate": "a\ud800b",
    "NUL": "a\0b",
    "escape": "a\x1b[2Jb",
}


async def json_bombs(target: Target) -> None:
    """Posts JSON that is deep, wide, long or none, wherever JSON is read."""
    addresses = ["/api/reviews/", "/api/accounts/signup/", "/api/accounts/login/"]
    async with target.client(Authorization=f"Bearer {target.token}") as client:
        answers = await asyncio.gather(
            *(
                client.post(address, content=bomb, headers=JSON)
                for address, bomb in product(addresses, BOMBS.values())
            ),
            return_exceptions=True,
        )
    for answer in answers:
        if isinstance(answer, httpx.TransportError):
            continue  # closed: they come too fast
        assert isinstance(answer, httpx.Response), answer
        assert answer.status_code in {400, 408, 413, 422, 429}, answer
        assert len(answer.content) < 2_000


async def unicode_names(target: Target) -> None:
    """Signs up with characters in a name that turn text around, are not seen, or are none."""
    async with target.client() as client:
        for character in BIDI + UNSEEN + BROKEN:
            around = () if character.isspace() else (f"{character}mina", f"mina{character}")
            for name in (f"mi{character}na", *around):  # white space around it is dropped
                answer = await client.post(
                    "/api/accounts/signup/",
                    content=_ascii_json(username=name, password=PASSWORD),
                    headers=JSON,
                )
                assert answer.status_code == 422, ascii(name)


async def unicode_texts(target: Target) -> None:
    """Posts every kind of text: it is refused, or kept as it was meant."""
    async with target.client(Authorization=f"Bearer {target.token}") as client:
        for text in TEXTS.values():
            answer = await client.post(
                "/api/reviews/", content=_ascii_json(book=target.book, content=text), headers=JSON
            )
            _assert_kept(answer, text)


def _assert_kept(answer: httpx.Response, text: str) -> None:
    if answer.status_code != 422:
        assert answer.status_code == 201
        meant = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
        assert answer.json()["content"] == meant


def _ascii_json(**fields: object) -> bytes:
    # With lone surrogates as escapes, which no encoding could carry.
    return json.dumps(fields).encode()
