"""Attacks by tokens: JWTs with every known trick."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

from tests.hostile.wire import Target

#: What the site's login signs with; an attacker does not know it, but for the proof that it works.
SECRET = "a secret of the site's login, which nobody knows"
#: What an attacker may hope that it is checked with instead.
GUESSES = ["", "secret", "null", "None", "\0", SECRET[:32], SECRET.upper(), "0" * 32]
HS256 = {"alg": "HS256", "typ": "JWT"}


def encoded(part: bytes) -> str:
    """A part of a token (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def token(header: Any, claims: Any, *, secret: str, digest: str = "sha256") -> str:
    """A token, whatever its header says of how it is signed."""
    signed = f"{encoded(_json(header))}.{encoded(_json(claims))}"
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), digest))}"


def _json(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def right_claims(**more: Any) -> dict[str, Any]:
    """What a good token says."""
    now = time.time()
    return {"sub": "7", "username": "mina", "iat": now, "exp": now + 600, **more}


async def forged_tokens(target: Target) -> None:
    """Shows tokens that are signed wrongly, by themselves, for others, at other times or not."""
    async with target.client() as client:
        good = {"Authorization": f"Bearer {token(HS256, right_claims(), secret=SECRET)}"}
        assert (await client.get("/api/accounts/me/", headers=good)).status_code == 200
        for forged in tricks():
            for headers in (
                {b"Authorization": b"Bearer " + forged.encode()},
                {b"Cookie": b"livria_session=" + forged.encode()},
            ):
                answer = await client.get("/api/accounts/me/", headers=headers)
                assert answer.status_code in {401, 431}, forged[:200]
                assert "Traceback" not in answer.text


def tricks() -> Iterator[str]:
    """Tokens that nobody may believe."""
    yield from _unsigned()
    yield from _self_signed()
    yield from _wrong_claims()
    yield from _cut()


def _unsigned() -> Iterator[str]:
    names: list[Any] = ["none", "None", "NONE", "nOnE", "", None, 0, [], {}, ["HS256"], "HS256 "]
    for name in names:
        bare = token({**HS256, "alg": name}, right_claims(), secret="")
        yield bare.rpartition(".")[0] + "."
        yield bare
        yield token({**HS256, "alg": name}, right_claims(), secret=SECRET)
    for algorithm, digest in (("HS384", "sha384"), ("HS512", "sha512"), ("RS256", "sha256")):
        yield token({"alg": algorithm}, right_claims(), secret=SECRET, digest=digest)


def _self_signed() -> Iterator[str]:
    key = {"kty": "oct", "k": encoded(b"x" * 32), "kid": "a"}
    elsewhere = "https://evil.example/key"
    kids: list[Any] = ["../../dev/null", "/dev/null", "' UNION SELECT 'x", "|id", [], {}, "a"]
    places: list[dict[str, Any]] = [{"jwk": key}, {"jku": elsewhere}, {"x5u": elsewhere}]
    for header in (*places, {"x5c": [encoded(b"x" * 32)]}, *({"kid": kid} for kid in kids)):
        yield token({**HS256, **header}, right_claims(), secret="x" * 32)
    for guess in (*GUESSES, hashlib.sha256(SECRET.encode()).hexdigest()):
        yield token(HS256, right_claims(), secret=guess)


def _wrong_claims() -> Iterator[str]:
    later = time.time() + 3600
    wrong: dict[str, list[Any]] = {
        "exp": [0, -1, 1, time.time() - 3600, None, "never", [], True],
        "sub": [None, "", 7, [], {}, "\0", "a\nb", "7" * 300],
        "nbf": [later],
        "iat": [later],
        "aud": ["livria", [5]],
    }
    for name, values in wrong.items():
        for value in values:
            yield token(HS256, right_claims(**{name: value}), secret=SECRET)
    for part in (b"[]", b"null", b"7", b"", b"{", b"\xff", b"[" * 5_000, b'{"exp":1e999}'):
        yield token(HS256, part, secret=SECRET)
        yield token(part, right_claims(), secret=SECRET)
    for extension in ({"crit": ["exp"]}, {"crit": ["b64"], "b64": False}):
        yield token({**HS256, **extension}, right_claims(), secret=SECRET)


def _cut() -> Iterator[str]:
    good = token(HS256, right_claims(), secret=SECRET)
    header, claims, signature = good.split(".")
    for parts in (
        (header, claims), (header, claims, ""), (header, "", signature), ("", claims, signature),
        (header, claims, signature[:-2]), (header, claims, signature, ""), ("", "", ""),
        (header, claims, signature + "AAAA"), (header, claims, claims, "", signature),
    ):  # fmt: skip
        yield ".".join(parts)
    yield "." * 10_000
    yield "a." * 7_000
    yield "é.é.é"
    yield good.swapcase()
