"""Settings, read once from `LIVRIA_*` in the environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from limits import parse
from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from livria_sse.errors import InvalidSettings
from livria_sse.variables import DatabaseURL, Listed, Origin, ProxyNetwork, Rate, RedisURL

logger = logging.getLogger(__name__)

PREFIX = "LIVRIA_"
#: A shorter secret can be guessed from one token (RFC 7518, section 3.2).
SHORTEST_JWT_SECRET = 32
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))
ROUTERS_OF_HEROKU = (ip_network("10.0.0.0/8"),)


class Settings(BaseSettings):
    """What an operator can choose; every field is the variable `LIVRIA_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        arbitrary_types_allowed=True,
        frozen=True,
        hide_input_in_errors=True,
        validate_by_name=True,
    )

    #: Where reviews are kept: `sqlite:///<path>`, relative to the working directory, or
    #: `postgresql://<user>:<password>@<host>/<name>`. It may hold a password.
    database_url: Annotated[
        DatabaseURL,
        Field(repr=False, validation_alias=AliasChoices("LIVRIA_DATABASE_URL", "DATABASE_URL")),
    ] = "sqlite:///livria.db"
    #: Whether SQLite may be used where the disk does not outlive the process.
    ephemeral_sqlite: bool = False
    #: The Redis by which several processes tell each other of changes.
    redis_url: Annotated[
        RedisURL | None, Field(validation_alias=AliasChoices("LIVRIA_REDIS_URL", "REDIS_URL"))
    ] = None
    #: How many changes of each book Redis keeps, and for how many days after the last one.
    redis_length: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    redis_days: Annotated[float, Field(gt=0, le=365)] = 7
    #: Loopback, except on a platform whose router comes from outside (Heroku sets `DYNO`).
    host: str = Field(
        default_factory=lambda: "0.0.0.0" if "DYNO" in os.environ else "127.0.0.1"  # noqa: S104
    )
    #: 0 takes a free one.
    port: Annotated[
        int, Field(ge=0, le=65535, validation_alias=AliasChoices("LIVRIA_PORT", "PORT"))
    ] = 8000
    #: Server processes.
    workers: Annotated[
        int, Field(ge=1, validation_alias=AliasChoices("LIVRIA_WORKERS", "WEB_CONCURRENCY"))
    ] = 1
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)
    ] = "info"
    #: Lines for people, or JSON for programs.
    log_format: Literal["text", "json"] = "text"
    #: Whether an empty database gets the sample catalogue.
    sample_books: bool = True

    #: How long a sign-in lasts.
    session_days: Annotated[int, Field(ge=1, le=3650)] = 30
    #: How the site's existing login signs its tokens (JWT).
    jwt_algorithm: Literal["HS256", "RS256", "ES256"] = "HS256"
    #: The key that checks them: a secret, or a public key in PEM, or a file with a JWKS.
    jwt_secret: SecretStr | None = None
    jwt_public_key: str | None = None
    jwt_jwks_file: Path | None = None
    #: The `aud` and the `iss` that are demanded of them.
    jwt_audience: str | None = None
    jwt_issuer: str | None = None

    #: `off` lifts all limits from here to `request_seconds`.
    limits: bool = True
    #: Reviews that are posted, edited or deleted; of an address also sign-outs, and what is no
    #: moderator's to do.
    writes_per_account: Rate = parse("60/minute")
    writes_per_address: Rate = parse("300/minute")
    #: Attempts to sign in, and sign-ups.
    sign_ins_per_username: Rate = parse("10/minute")
    sign_ins_per_address: Rate = parse("30/minute")
    #: How long somebody cannot post the same text on the same book again; 0: no time at all.
    repeat_seconds: Annotated[int, Field(ge=0, le=86_400)] = 60
    #: Streams that one process serves at most: in all, of a book, and of a client address.
    max_streams: Annotated[int, Field(ge=1)] = 10_000
    max_streams_per_book: Annotated[int, Field(ge=1)] = 10_000
    max_streams_per_address: Annotated[int, Field(ge=1)] = 200
    #: Connections beside those streams for everything else: POSTs under way, health checks, and
    #: what waits. Where there are too few files for all, at most half of them.
    reserved_connections: Annotated[int, Field(ge=20)] = 1000
    #: Connections that our own server lets an address hold open beside its streams: at most half of
    #: those that are reserved. Trusted proxies may hold any number.
    max_connections_per_address: Annotated[int, Field(ge=1)] = 400
    #: Streams that an address may open within a second; with Redis, at all processes together, as
    #: soon as they have told each other of it.
    max_connects_per_address: Annotated[int, Field(ge=1)] = 200
    #: How fast requests of an address begin at one process; those that come faster wait, or
    #: are refused.
    requests_per_address: Rate = parse("200/second")
    #: How large the head of a request may be (the request line and all headers), and of how many
    #: headers: to go through many small ones takes 100 times as long as to receive them.
    max_head_bytes: Annotated[int, Field(ge=1024)] = 16 * 1024
    max_headers: Annotated[int, Field(ge=20)] = 100
    #: And its target: 50 books with a position in each take 3.5 KB, and 101 fields.
    max_target_bytes: Annotated[int, Field(ge=256)] = 4096
    max_query_fields: Annotated[int, Field(ge=1)] = 120
    #: And its body, and of how many pieces of less than 512 bytes: chunks may have one byte each,
    #: and cost a call however small they are.
    max_body_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024
    max_body_pieces: Annotated[int, Field(ge=1)] = 1024
    #: Requests that wait on a connection until one before them is answered. A single read can bring
    #: thousands, of which each takes about 100 times the memory of its bytes.
    max_waiting_requests: Annotated[int, Field(ge=1)] = 8
    #: A request that is not received after this many seconds is refused.
    request_seconds: Annotated[int, Field(ge=1)] = 20
    #: The origins of other sites whose pages may use the API, with cookies: `https://livria.kr`.
    allowed_origins: Listed[Origin] = ()
    #: The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. On Heroku that is
    #: its router.
    trusted_proxies: Listed[ProxyNetwork] = Field(
        default_factory=lambda: ROUTERS_OF_HEROKU if "DYNO" in os.environ else LOOPBACK
    )
    #: Whether readers are told how many have the page of a book open.
    viewers: bool = True
    #: Seconds between two heartbeats of a stream.
    heartbeat_seconds: Annotated[int, Field(ge=1, le=30)] = 15
    #: A stream ends after 80 to 100 % of this many seconds, and its reader resumes.
    stream_seconds: Annotated[int, Field(ge=1)] = 3600
    #: A reader who takes nothing for this many seconds is closed.
    send_seconds: Annotated[int, Field(ge=1)] = 20
    #: How long the streams of a process that stops are ended, one after the other. What follows
    #: takes 10 s at most; platforms kill after 30.
    drain_seconds: Annotated[float, Field(ge=0, le=600)] = 5
    #: How long a process that SIGTERM stops takes requests, and keeps the streams that are open: as
    #: long as it takes the proxies in front of it to notice that `/readyz` says so.
    notice_seconds: Annotated[float, Field(ge=0, le=60)] = 2
    #: A difference of more changes than this is answered with `stream.reset`.
    replay_limit: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    #: So is one of more bytes of text than this: who asks and reads nothing costs so much memory.
    replay_bytes: Annotated[int, Field(ge=1)] = 1024 * 1024
    #: Seconds between two audits of the feeds against the database, with one query for all: how
    #: late a page can be whose neighbours cannot reach Redis, without knowing of it.
    audit_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.5

    @classmethod
    def from_environment(cls, **given: Any) -> Self:
        """The environment's settings, with the given ones (None is not given) in front of them.

        Raises:
            InvalidSettings: In one line: which variable is wrong, and why.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise InvalidSettings("; ".join(_complaints(error))) from None

    @model_validator(mode="after")
    def _a_database_that_lasts(self) -> Self:
        on_a_file = self.database_url.startswith("sqlite:")
        if on_a_file and "DYNO" in os.environ and not self.ephemeral_sqlite:
            raise ValueError(
                f"{_variable('LIVRIA_DATABASE_URL')}: files do not last here; use postgresql://, "
                "or say that reviews may be lost with LIVRIA_EPHEMERAL_SQLITE=1"
            )
        return self

    @model_validator(mode="after")
    def _processes_that_hear_each_other(self) -> Self:
        if self.workers > 1 and not self.redis_url:
            raise ValueError(
                f"{_variable('LIVRIA_WORKERS')}: {self.workers} processes need Redis; "
                "set LIVRIA_REDIS_URL, or say 1"
            )
        return self

    @model_validator(mode="after")
    def _one_key_for_tokens(self) -> Self:
        keys = [self.jwt_secret, self.jwt_public_key, self.jwt_jwks_file]
        if sum(key is not None for key in keys) > 1:
            raise ValueError("LIVRIA_JWT_*: set one of SECRET, PUBLIC_KEY and JWKS_FILE")
        if self.jwt_secret and self.jwt_algorithm != "HS256":
            raise ValueError(f"LIVRIA_JWT_SECRET: {self.jwt_algorithm} needs a public key instead")
        if (self.jwt_public_key or self.jwt_jwks_file) and self.jwt_algorithm == "HS256":
            raise ValueError("LIVRIA_JWT_ALGORITHM: say RS256 or ES256 for a public key")
        if self.jwt_secret and len(self.jwt_secret.get_secret_value()) < SHORTEST_JWT_SECRET:
            raise ValueError(f"LIVRIA_JWT_SECRET: use at least {SHORTEST_JWT_SECRET} characters")
        return self


def warn_of_unknown() -> None:
    """Says which variables are named like settings and are none: those are read by nobody."""
    known = [name.upper() for name in Settings.model_fields]
    for variable, value in os.environ.items():
        name = variable.upper().removeprefix(PREFIX)
        if name == variable.upper() or name in known or not value:
            continue
        near = "".join(f"; is {PREFIX}{each} meant?" for each in get_close_matches(name, known, 1))
        logger.warning("%s: there is no such setting%s", variable, near)


def _complaints(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False):
        said = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            yield said
            continue
        yield f"{_variable(str(problem['loc'][0]))}: {said}"


def _variable(name: str) -> str:
    # pydantic names the first of the variables that a setting has, whichever was set.
    for field in Settings.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            choices = [str(choice) for choice in field.validation_alias.choices]
            if name in choices:
                return next((choice for choice in choices if choice in os.environ), name)
    return name if name.isupper() else f"{PREFIX}{name.upper()}"
