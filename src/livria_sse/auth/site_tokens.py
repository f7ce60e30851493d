"""Tokens of the site's existing login: JWTs (RFC 7519) that somebody else issues."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import jwt

from livria_sse.errors import InvalidSettings, InvalidToken
from livria_sse.inputs import clean_username
from livria_sse.settings import Settings

#: How far the clocks may be apart, in seconds.
LEEWAY = 30
LONGEST_SUBJECT = 255
#: The keys that an algorithm takes (RFC 7518, section 6.1).
KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
#: The name of somebody whose token gives none that can be used.
NAMELESS = "reader"


class Identity(NamedTuple):
    """Who a token says somebody is."""

    #: `iss` and `sub`: the same for the same person, whatever they are called.
    subject: str
    username: str


class SiteTokens:
    """Checks tokens against one key, or the keys of a JWKS, with one algorithm.

    The algorithm is the operator's and never the token's (RFC 8725, section 3.1).
    """

    def __init__(self, settings: Settings) -> None:
        """Reads the keys.

        Raises:
            InvalidSettings: They cannot be read.
        """
        self._algorithm = settings.jwt_algorithm
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer
        self._keys = _read_keys(settings)

    @property
    def accepted(self) -> bool:
        """Whether there is a key at all."""
        return bool(self._keys)

    def identity(self, token: str) -> Identity:
        """Who the bearer is.

        Raises:
            InvalidToken: The token is forged, expired, for somebody else, or no JWT.
        """
        try:
            claims = jwt.decode(
                token,
                key=self._key(token),
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise InvalidToken(f"The token is not valid: {error}.") from error
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            # What PyJWT does not foresee: surrogates, an infinite `exp`, nesting without end.
            raise InvalidToken from error
        return Identity(_subject(claims), _username(claims))

    def _key(self, token: str) -> Any:
        if len(self._keys) == 1:
            return next(iter(self._keys.values()))
        try:
            return self._keys[jwt.get_unverified_header(token).get("kid")]
        except KeyError:
            raise InvalidToken("The token is not valid: its key is not known.") from None


def _subject(claims: dict[str, Any]) -> str:
    subject = f"{claims.get('iss', '')}|{claims['sub']}"
    if not claims["sub"] or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise InvalidToken("The token is not valid: its subject cannot be used.")
    return subject


def _username(claims: dict[str, Any]) -> str:
    for claim in ("preferred_username", "username", "name"):
        try:
            return clean_username(str(claims[claim]))
        except (KeyError, ValueError):
            continue
    return NAMELESS


def _read_keys(settings: Settings) -> dict[str | None, Any]:
    if settings.jwt_secret:
        return {None: settings.jwt_secret.get_secret_value()}
    try:
        if settings.jwt_public_key:
            return {None: _public_key(settings)}
        if settings.jwt_jwks_file:
            return _key_set(settings.jwt_jwks_file, KEY_TYPES[settings.jwt_algorithm])
    except (OSError, ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
        name = "PUBLIC_KEY" if settings.jwt_public_key else "JWKS_FILE"
        raise InvalidSettings(f"LIVRIA_JWT_{name}: {error}") from error
    return {}


def _key_set(path: Path, key_type: str) -> dict[str | None, Any]:
    keys = jwt.PyJWKSet.from_dict(json.loads(path.read_bytes())).keys
    fitting = {key.key_id: key.key for key in keys if key.key_type == key_type}
    if not fitting:
        raise ValueError(f"it has no key of type {key_type}")
    return fitting


def _public_key(settings: Settings) -> Any:
    # In the environment a PEM is often on one line, with `\n` where its lines end.
    pem = (settings.jwt_public_key or "").replace("\\n", "\n")
    return jwt.get_algorithm_by_name(settings.jwt_algorithm).prepare_key(pem)
