"""Tokens of the site's existing login: which are believed, and whose they are."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, strategies as st

from livria_sse.auth import Auth, SiteTokens, open_passwords
from livria_sse.errors import InvalidSettings, InvalidToken
from livria_sse.settings import Settings
from livria_sse.store import Store, accounts
from tests.factories import add_account

SECRET = "a secret that is long enough for each of the algorithms, sixty-four characters"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def make_rsa_key() -> rsa.RSAPrivateKey:
    """A new key pair for RS256."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


RSA_KEY, OTHER_RSA_KEY = make_rsa_key(), make_rsa_key()
EC_KEY, OTHER_EC_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))


def pem(key: PrivateKey) -> str:
    """The public half of a key, as an operator has it."""
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


PEM = pem(RSA_KEY)


def jwk(key: PrivateKey, kid: str | None) -> dict[str, Any]:
    """The public half of a key, as a JWKS has it."""
    algorithm = jwt.get_algorithm_by_name(
        "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    )
    document: dict[str, Any] = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**document, "kid": kid} if kid else document


def claims(**given: Any) -> dict[str, Any]:
    """The claims of a valid token; None leaves one out."""
    defaults = {"sub": "7", "iat": time.time(), "exp": time.time() + 3600}
    return {name: value for name, value in {**defaults, **given}.items() if value is not None}


def part(content: dict[str, Any] | bytes) -> str:
    """One of the three parts of a token."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(header: dict[str, Any] | bytes, payload: dict[str, Any] | bytes, *, secret: str) -> str:
    """A token signed by hand, as libraries refuse to make it."""
    message = f"{part(header)}.{part(payload)}"
    return f"{message}.{part(hmac.digest(secret.encode(), message.encode(), hashlib.sha256))}"


def with_secret(**given: Any) -> SiteTokens:
    """Tokens of a login that signs with a secret."""
    return SiteTokens(Settings(jwt_secret=SECRET, **given))


def with_jwks(file: Path, *keys: dict[str, Any], algorithm: str = "RS256") -> SiteTokens:
    """Tokens of a login that publishes its keys in a file."""
    file.write_text(json.dumps({"keys": keys}))
    return SiteTokens(Settings(jwt_algorithm=algorithm, jwt_jwks_file=file))


def test_nothing_is_accepted_without_key(settings: Settings) -> None:
    """Without a key there is no login of the site's."""
    assert not SiteTokens(settings).accepted
    assert with_secret().accepted


def test_hs256_secret_is_believed() -> None:
    """A token that is signed with the secret says who somebody is."""
    token = jwt.encode(claims(sub="7", iss="https://site", username="mina"), SECRET, "HS256")
    identity = with_secret().identity(token)
    assert identity.subject == "https://site|7"
    assert identity.username == "mina"


@pytest.mark.parametrize(
    ("algorithm", "key"), [("RS256", RSA_KEY), ("ES256", EC_KEY)], ids=["RS256", "ES256"]
)
@pytest.mark.parametrize("on_one_line", [False, True])
def test_public_key_is_believed(algorithm: Any, key: PrivateKey, on_one_line: bool) -> None:
    """A token is checked with a public key in PEM, on many lines or escaped on one."""
    public = pem(key).replace("\n", "\\n") if on_one_line else pem(key)
    tokens = SiteTokens(Settings(jwt_algorithm=algorithm, jwt_public_key=public))
    assert tokens.identity(jwt.encode(claims(sub="7"), key, algorithm)).subject == "|7"


@pytest.mark.parametrize(
    ("algorithm", "keys"),
    [("RS256", (RSA_KEY, OTHER_RSA_KEY)), ("ES256", (EC_KEY, OTHER_EC_KEY))],
    ids=["RS256", "ES256"],
)
def test_jwks_keys_are_believed(
    algorithm: str, keys: tuple[PrivateKey, PrivateKey], tmp_path: Path
) -> None:
    """Each key of a JWKS checks the tokens that name it, and no others."""
    old, new = keys
    tokens = with_jwks(tmp_path / "jwks", jwk(old, "old"), jwk(new, "new"), algorithm=algorithm)
    for key, kid in ((old, "old"), (new, "new")):
        assert tokens.identity(jwt.encode(claims(), key, algorithm, headers={"kid": kid}))
    for key, kid in ((old, "new"), (new, "old")):
        with pytest.raises(InvalidToken):
            tokens.identity(jwt.encode(claims(), key, algorithm, headers={"kid": kid}))


@pytest.mark.parametrize("headers", [{"kid": "other"}, {"kid": ""}, {}], ids=str)
def test_unknown_kid_is_refused(headers: dict[str, str], tmp_path: Path) -> None:
    """A token that names no key of the JWKS is refused, however it is signed."""
    tokens = with_jwks(tmp_path / "jwks", jwk(RSA_KEY, "old"), jwk(OTHER_RSA_KEY, "new"))
    with pytest.raises(InvalidToken):
        tokens.identity(jwt.encode(claims(), RSA_KEY, "RS256", headers=headers))


def test_lone_key_needs_no_kid(tmp_path: Path) -> None:
    """A JWKS of one key checks tokens that name none."""
    tokens = with_jwks(tmp_path / "jwks", jwk(RSA_KEY, None))
    assert tokens.identity(jwt.encode(claims(), RSA_KEY, "RS256"))


def test_other_kind_of_key_is_refused(tmp_path: Path) -> None:
    """A token that names a key of another algorithm than the operator's is refused."""
    keys = [jwk(RSA_KEY, "rsa"), jwk(OTHER_RSA_KEY, "other"), jwk(EC_KEY, "ec")]
    tokens = with_jwks(tmp_path / "jwks", *keys)
    assert tokens.identity(jwt.encode(claims(), RSA_KEY, "RS256", headers={"kid": "rsa"}))
    for key, algorithm in ((RSA_KEY, "RS256"), (EC_KEY, "ES256")):
        with pytest.raises(InvalidToken):
            tokens.identity(jwt.encode(claims(), key, algorithm, headers={"kid": "ec"}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"exp": "soon"},
        {"exp": 1e400},
        {"exp": []},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "7" * 256},
        {"nbf": 99_999_999_999},
        {"aud": "another service"},
        {"aud": None},
        {"iss": "https://elsewhere"},
        {"iss": None},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(wrong: dict[str, Any]) -> None:
    """A token that is over, of nobody, for somebody else or from elsewhere is refused."""
    right = {"aud": "livria", "iss": "https://site"}
    tokens = with_secret(jwt_audience="livria", jwt_issuer="https://site")
    header = {"alg": "HS256"}
    assert tokens.identity(hs256(header, claims(**right), secret=SECRET))
    with pytest.raises(InvalidToken):
        tokens.identity(hs256(header, claims(**{**right, **wrong}), secret=SECRET))


def test_clocks_may_differ_little() -> None:
    """A token that was over a few seconds ago, by our clock, is still believed."""
    token = jwt.encode(claims(exp=time.time() - 5), SECRET, "HS256")
    assert with_secret().identity(token)


def test_audience_must_be_expected() -> None:
    """A token for some audience is refused where none is set."""
    with pytest.raises(InvalidToken):
        with_secret().identity(jwt.encode(claims(aud="livria"), SECRET, "HS256"))


def test_other_keys_are_refused() -> None:
    """A token that is signed with another secret or another private key is refused."""
    with pytest.raises(InvalidToken):
        with_secret().identity(jwt.encode(claims(), SECRET[::-1], "HS256"))
    tokens = SiteTokens(Settings(jwt_algorithm="RS256", jwt_public_key=pem(RSA_KEY)))
    with pytest.raises(InvalidToken):
        tokens.identity(jwt.encode(claims(), OTHER_RSA_KEY, "RS256"))


def test_public_key_is_no_secret() -> None:
    """A token that is signed by HS256 with the public key as the secret is refused."""
    for public in (pem(RSA_KEY), pem(RSA_KEY).strip(), pem(RSA_KEY).replace("\n", "\\n")):
        tokens = SiteTokens(Settings(jwt_algorithm="RS256", jwt_public_key=public))
        with pytest.raises(InvalidToken):
            tokens.identity(hs256({"alg": "HS256"}, claims(), secret=public))
        with pytest.raises(InvalidToken):
            tokens.identity(hs256({"alg": "RS256"}, claims(), secret=public))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "HS384", "RS256", "", None, 5, {}], ids=repr
)
@pytest.mark.parametrize("signed", [False, True])
def test_algorithm_is_the_operators(algorithm: object, signed: bool) -> None:
    """A token that asks for another algorithm, or for none, is refused."""
    token = hs256({"alg": algorithm, "typ": "JWT"}, claims(), secret=SECRET)
    with pytest.raises(InvalidToken):
        with_secret().identity(token if signed else token.rpartition(".")[0] + ".")


def test_sibling_algorithms_are_refused() -> None:
    """A token that is rightly signed, but by another algorithm of the same key, is refused."""
    public = SiteTokens(Settings(jwt_algorithm="RS256", jwt_public_key=pem(RSA_KEY)))
    for tokens, key, algorithm in (
        (with_secret(), SECRET, "HS384"),
        (with_secret(), SECRET, "HS512"),
        (public, RSA_KEY, "RS384"),
        (public, RSA_KEY, "PS256"),
    ):
        with pytest.raises(InvalidToken):
            tokens.identity(jwt.encode(claims(), key, algorithm))


def test_tampered_tokens_are_refused() -> None:
    """A token in which any part was exchanged is refused."""
    header, payload, signature = jwt.encode(claims(sub="7"), SECRET, "HS256").split(".")
    other_header, other_payload, other_signature = jwt.encode(
        claims(sub="8"), SECRET, "HS256", headers={"kid": "8"}
    ).split(".")
    for parts in (
        (other_header, payload, signature),
        (header, other_payload, signature),
        (header, payload, other_signature),
        (header, payload, ""),
    ):
        with pytest.raises(InvalidToken):
            with_secret().identity(".".join(parts))


GARBAGE = {
    "empty": "",
    "dots": "..",
    "no base64": "a.b.c",
    "not ASCII": "é.é.é",
    "NUL": "\0.\0.\0",
    "surrogate": "\ud800.a.b",
    "long": "a" * 100_000,
    "nested header": part(b"[" * 6_000) + ".a.b",
    "list as header": part(b"[]") + ".a.b",
    "header not UTF-8": part(b"\xff") + ".a.b",
    "empty header": hs256(b"{}", b"{}", secret=SECRET),
    "list as payload": hs256({"alg": "HS256"}, b"[1]", secret=SECRET),
    "nested payload": hs256({"alg": "HS256"}, b"[" * 6_000, secret=SECRET),
    "number as kid": hs256({"alg": "HS256", "kid": 5}, claims(), secret=SECRET),
    "unknown extension": hs256({"alg": "HS256", "crit": ["exp"]}, claims(), secret=SECRET),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_refused(garbage: str, tmp_path: Path) -> None:
    """What is no token at all is refused, whether there are one or several keys."""
    several = with_jwks(tmp_path / "jwks", jwk(RSA_KEY, "old"), jwk(OTHER_RSA_KEY, "new"))
    for tokens in (with_secret(), several):
        with pytest.raises(InvalidToken):
            tokens.identity(garbage)


@pytest.mark.parametrize(
    ("given", "username"),
    [
        ({"preferred_username": "mina", "name": "Kim Mina"}, "mina"),
        ({"username": "mina", "name": "Kim Mina"}, "mina"),
        ({"name": "민아"}, "민아"),
        ({"preferred_username": "Kim Mina", "username": "mina"}, "mina"),
        ({"preferred_username": "x" * 31, "name": "<script>"}, "reader"),
        ({"username": {"first": "mina"}}, "reader"),
        ({"username": "\ud800"}, "reader"),
        ({}, "reader"),
    ],
    ids=str,
)
def test_username_is_in_claims(given: dict[str, Any], username: str) -> None:
    """The name is the first claim that can be one, else a word for everybody."""
    token = hs256({"alg": "HS256"}, claims(**given), secret=SECRET)
    assert with_secret().identity(token).username == username


@pytest.mark.parametrize(
    "settings",
    [
        {"jwt_algorithm": "RS256", "jwt_public_key": "no key"},
        {"jwt_algorithm": "RS256", "jwt_public_key": pem(RSA_KEY)[:200]},
        {"jwt_algorithm": "RS256", "jwt_public_key": pem(EC_KEY)},
        {"jwt_algorithm": "ES256", "jwt_public_key": pem(RSA_KEY)},
        {"jwt_algorithm": "ES256", "jwt_public_key": SECRET},
    ],
    ids=lambda settings: f"{settings['jwt_algorithm']} {settings['jwt_public_key'][:40]!r}",
)
def test_wrong_public_key_is_told(settings: dict[str, Any]) -> None:
    """A public key that cannot check anything is told at the start, by the setting's name."""
    with pytest.raises(InvalidSettings, match=r"^LIVRIA_JWT_PUBLIC_KEY: "):
        SiteTokens(Settings(**settings))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"keys": []}',
        '{"keys": 5}',
        '{"keys": [5]}',
        '{"keys": [{"kty": "RSA", "n": 5, "e": "AQAB", "kid": "a"}]}',
        json.dumps({"keys": [{"kty": "oct", "k": part(SECRET.encode()), "kid": "a"}]}),
        json.dumps({"keys": [jwk(EC_KEY, "a")]}),
    ],
    ids=lambda content: content[:40],
)
def test_wrong_jwks_is_told(content: str, tmp_path: Path) -> None:
    """A JWKS without a key for the algorithm is told at the start, by the setting's name."""
    file = tmp_path / "jwks"
    file.write_text(content)
    with pytest.raises(InvalidSettings, match=r"^LIVRIA_JWT_JWKS_FILE: "):
        SiteTokens(Settings(jwt_algorithm="RS256", jwt_jwks_file=file))


def test_unreadable_jwks_is_told(tmp_path: Path) -> None:
    """A JWKS that cannot be read is told at the start, by the setting's name."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for file in (tmp_path / "missing", tmp_path, tmp_path / "binary"):
        with pytest.raises(InvalidSettings, match=r"^LIVRIA_JWT_JWKS_FILE: "):
            SiteTokens(Settings(jwt_algorithm="RS256", jwt_jwks_file=file))


@pytest.mark.parametrize(
    "given",
    [
        {"jwt_secret": "too short"},
        {"jwt_secret": SECRET, "jwt_algorithm": "RS256"},
        {"jwt_secret": SECRET, "jwt_public_key": pem(RSA_KEY)},
        {"jwt_public_key": pem(RSA_KEY)},
        {"jwt_algorithm": "none", "jwt_secret": SECRET},
    ],
    ids=lambda given: " ".join(given),
)
def test_wrong_settings_are_told(given: dict[str, str]) -> None:
    """Settings that do not fit together are refused in a sentence that has no secret in it."""
    with pytest.raises(InvalidSettings, match="LIVRIA_JWT_") as refused:
        Settings.from_environment(**given)
    assert SECRET not in str(refused.value)
    assert "too short" not in str(refused.value)


@pytest.fixture
async def auth(store: Store) -> AsyncIterator[Auth]:
    """Who is asking, where the site's login signs with a secret."""
    async with open_passwords() as passwords:
        yield Auth(store, passwords, with_secret(), lifetime=timedelta(days=1))


async def test_first_use_makes_account(auth: Auth, store: Store) -> None:
    """The first token of somebody makes an account, and later ones find it."""
    first = await auth.account(jwt.encode(claims(sub="7", username="mina"), SECRET, "HS256"))
    assert first.user.username == "mina"
    assert not first.staff
    again = await auth.account(jwt.encode(claims(sub="7", username="renamed"), SECRET, "HS256"))
    assert again == first
    known = await store.accounts.named("mina")
    assert known
    assert known.password_hash is None


async def test_first_use_at_once(auth: Auth) -> None:
    """Many requests with the first token of somebody, all at the same time, make one account."""
    token = jwt.encode(claims(sub="7", username="mina"), SECRET, "HS256")
    found = await asyncio.gather(*(auth.account(token) for _ in range(10)))
    assert len(set(found)) == 1
    assert found[0].user.username == "mina"


async def test_subjects_are_people(auth: Auth) -> None:
    """Different subjects are different people, and so are equal ones of different issuers."""
    given = [{"sub": "7"}, {"sub": "8"}, {"sub": "7", "iss": "https://site"}]
    tokens = [jwt.encode(claims(**each), SECRET, "HS256") for each in given]
    people = [await auth.account(token) for token in tokens]
    assert len({account.user.id for account in people}) == 3


async def test_taken_name_gets_number(auth: Auth, store: Store) -> None:
    """Who comes with a name that somebody has gets it with a number, and never their account."""
    await add_account(store, "Mina")
    tokens = [jwt.encode(claims(sub=sub, username="mina"), SECRET, "HS256") for sub in "789"]
    names = [(await auth.account(token)).user.username for token in tokens]
    assert all(re.fullmatch(r"mina-\d+", name) for name in names)
    assert len(set(names)) == 3
    assert (await auth.account(tokens[0])).user.username == names[0]


async def test_names_are_found_soon(auth: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes without a name gets one in a few attempts, however many came so before."""
    attempts = 0

    async def counting(*given: Any, **named: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return await insert(*given, **named)

    insert = accounts._insert
    monkeypatch.setattr(accounts, "_insert", counting)
    for number in range(50):
        attempts = 0
        await auth.account(jwt.encode(claims(sub=f"nameless {number}"), SECRET, "HS256"))
    assert attempts < 10


async def test_claims_give_no_rights(auth: Auth) -> None:
    """Nobody becomes staff by what a token says."""
    token = jwt.encode(claims(staff=True, is_staff=True, role="admin"), SECRET, "HS256")
    assert not (await auth.account(token)).staff


async def test_subject_must_be_text(auth: Auth) -> None:
    """A subject that no database can keep is refused."""
    token = hs256({"alg": "HS256"}, claims(sub="\ud800"), secret=SECRET)
    with pytest.raises(InvalidToken):
        await auth.account(token)


async def test_sessions_work_beside_tokens(auth: Auth, store: Store) -> None:
    """Where the site has a login, sessions of our own are still who they are."""
    account = await add_account(store)
    signed_in = await auth.open_session(account)
    assert await auth.account(signed_in.token) == account


async def test_token_outlives_sign_out(auth: Auth) -> None:
    """A token of the site's login is not ours to end."""
    token = jwt.encode(claims(), SECRET, "HS256")
    account = await auth.account(token)
    await auth.sign_out(token)
    assert await auth.account(token) == account


def anything() -> st.SearchStrategy[Any]:
    """What JSON can say, and what Python takes for JSON."""
    numbers = st.integers() | st.floats()
    return st.recursive(
        st.none() | st.booleans() | numbers | st.text(st.characters()),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=3,
    )


HEADERS = st.fixed_dictionaries(
    {"alg": st.just("HS256")},
    optional={name: anything() for name in ("typ", "kid", "crit", "b64", "jwk", "x5c")},
)
PAYLOADS = st.fixed_dictionaries(
    {"sub": st.just("7") | anything(), "exp": st.sampled_from([1e11, 1e400]) | anything()},
    optional={name: anything() for name in ("nbf", "iat", "iss", "username", "name")},
)


@given(HEADERS | st.binary(max_size=20), PAYLOADS | st.binary(max_size=20))
def test_anything_signed_is_judged(
    header: dict[str, Any] | bytes, payload: dict[str, Any] | bytes
) -> None:
    """Whatever somebody has signed who knows the secret, it says who they are or is refused."""
    try:
        subject, username = with_secret().identity(hs256(header, payload, secret=SECRET))
    except InvalidToken:
        return

    assert subject.isprintable()
    assert username.isprintable()


@given(st.text(st.characters()) | st.lists(st.text(".=-_aé\ud800"), max_size=4).map(".".join))
def test_any_text_is_refused(text: str) -> None:
    """Whatever is shown as a token, nobody is believed who has not signed it."""
    for tokens in (with_secret(), SiteTokens(Settings(jwt_algorithm="RS256", jwt_public_key=PEM))):
        with pytest.raises(InvalidToken):
            tokens.identity(text)
