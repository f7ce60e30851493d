"""Settings: what the environment says, and what is said of it when it is wrong."""

from __future__ import annotations

import os
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st
from pydantic import ValidationError

from livria_sse.errors import InvalidSettings
from livria_sse.settings import SHORTEST_JWT_SECRET, Settings, warn_of_unknown

SECRET = "a secret that nobody may ever read in a log"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without anything of the tester's own that is a setting."""
    for name in os.environ:
        known = name.upper() in {"PORT", "WEB_CONCURRENCY", "DYNO", "DATABASE_URL", "REDIS_URL"}
        if known or name.upper().startswith("LIVRIA_"):
            monkeypatch.delenv(name)
    return monkeypatch


def complaint(environment: pytest.MonkeyPatch, **variables: str) -> str:
    """What is said of these variables."""
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment()
    return str(caught.value)


def test_defaults() -> None:
    """Without anything set, it serves one process from a file, on loopback, with samples."""
    settings = Settings.from_environment()

    assert settings.database_url == "sqlite:///livria.db"
    assert settings.redis_url is None
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.log_level == "info"
    assert settings.sample_books
    assert settings.limits
    assert settings.session_days == 30
    assert settings.jwt_algorithm == "HS256"
    assert (settings.jwt_secret, settings.jwt_public_key, settings.jwt_jwks_file) == (None,) * 3
    assert (settings.jwt_audience, settings.jwt_issuer) == (None, None)
    assert settings.replay_limit == 1_000
    assert settings.stream_seconds == 3600


def test_variables_are_read(environment: pytest.MonkeyPatch) -> None:
    """Every field is the variable `LIVRIA_<FIELD>`."""
    variables = {
        "LIVRIA_DATABASE_URL": "sqlite:////srv/reviews.db",
        "LIVRIA_HOST": "0.0.0.0",
        "LIVRIA_PORT": "0",
        "LIVRIA_WORKERS": "3",
        "LIVRIA_REDIS_URL": "rediss://:word@redis.example:6380/1",
        "LIVRIA_REDIS_LENGTH": "20",
        "LIVRIA_REDIS_DAYS": "0.5",
        "LIVRIA_LOG_LEVEL": "debug",
        "LIVRIA_SAMPLE_BOOKS": "0",
        "LIVRIA_SESSION_DAYS": "7",
        "LIVRIA_JWT_ALGORITHM": "ES256",
        "LIVRIA_JWT_JWKS_FILE": "keys.json",
        "LIVRIA_JWT_AUDIENCE": "livria",
        "LIVRIA_JWT_ISSUER": "https://login.example",
        "LIVRIA_LIMITS": "off",
        "LIVRIA_MAX_STREAMS": "5",
        "LIVRIA_HEARTBEAT_SECONDS": "6",
        "LIVRIA_STREAM_SECONDS": "7",
        "LIVRIA_SEND_SECONDS": "8",
        "LIVRIA_REPLAY_LIMIT": "9",
        "LIVRIA_AUDIT_SECONDS": "0.5",
    }
    for name, value in variables.items():
        environment.setenv(name, value)

    settings = Settings.from_environment()

    assert settings.database_url == "sqlite:////srv/reviews.db"
    assert (settings.host, settings.port, settings.workers) == ("0.0.0.0", 0, 3)
    assert settings.redis_url
    assert settings.redis_url.get_secret_value() == "rediss://:word@redis.example:6380/1"
    assert (settings.redis_length, settings.redis_days) == (20, 0.5)
    assert settings.log_level == "debug"
    assert not settings.sample_books
    assert settings.session_days == 7
    assert settings.jwt_algorithm == "ES256"
    assert settings.jwt_jwks_file == Path("keys.json")
    assert settings.jwt_audience == "livria"
    assert settings.jwt_issuer == "https://login.example"
    assert not settings.limits
    assert (settings.max_streams, settings.heartbeat_seconds) == (5, 6)
    assert (settings.stream_seconds, settings.send_seconds) == (7, 8)
    assert (settings.replay_limit, settings.audit_seconds) == (9, 0.5)


@pytest.mark.parametrize("said", ["0", "false", "off", "no"])
def test_words_for_no(environment: pytest.MonkeyPatch, said: str) -> None:
    """A switch can be turned off in the words that people use."""
    environment.setenv("LIVRIA_SAMPLE_BOOKS", said)

    assert not Settings.from_environment().sample_books


def test_platforms_port(environment: pytest.MonkeyPatch) -> None:
    """The port of a platform is honoured; our own variable goes before it."""
    environment.setenv("PORT", "5000")
    assert Settings.from_environment().port == 5000

    environment.setenv("LIVRIA_PORT", "6000")
    assert Settings.from_environment().port == 6000


def test_platforms_concurrency(environment: pytest.MonkeyPatch) -> None:
    """The number of processes of a platform is read; our own variable goes before it."""
    environment.setenv("WEB_CONCURRENCY", "1")
    assert Settings.from_environment().workers == 1

    environment.setenv("WEB_CONCURRENCY", "4")
    environment.setenv("LIVRIA_WORKERS", "1")
    assert Settings.from_environment().workers == 1


def test_platforms_router(environment: pytest.MonkeyPatch) -> None:
    """On a platform whose router comes from outside, it listens to the outside."""
    environment.setenv("DYNO", "web.1")
    environment.setenv("DATABASE_URL", "postgres://livria@db.example/livria")

    settings = Settings.from_environment()
    assert settings.host == "0.0.0.0"
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"),)


def test_allowed_origins(environment: pytest.MonkeyPatch) -> None:
    """Origins are listed as browsers write them, and never all of them."""
    assert Settings.from_environment().allowed_origins == ()

    environment.setenv("LIVRIA_ALLOWED_ORIGINS", "http://localhost:5173, https://livria.example")
    expected = ("http://localhost:5173", "https://livria.example")
    assert Settings.from_environment().allowed_origins == expected

    for wrong in (
        "*",
        "null",
        "livria.example",
        "https://livria.example/",
        "https://livria.example:0",
        "https://livria.example:65536",
        "https://livria.example:",
    ):
        environment.setenv("LIVRIA_ALLOWED_ORIGINS", wrong)
        with pytest.raises(InvalidSettings, match=r"^LIVRIA_ALLOWED_ORIGINS: "):
            Settings.from_environment()


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("https://Livria.Example", "https://livria.example"),
        ("HTTPS://livria.example:443", "https://livria.example"),
        ("http://livria.example:80", "http://livria.example"),
        ("http://livria.example:443", "http://livria.example:443"),
        ("https://livria.example:8443", "https://livria.example:8443"),
        ("https://livria.example:65535", "https://livria.example:65535"),
        ("https://[2001:DB8::443]:443", "https://[2001:db8::443]"),
        ("http://[::80]", "http://[::80]"),
    ],
)
def test_origins_as_browsers_send_them(
    environment: pytest.MonkeyPatch, said: str, sent: str
) -> None:
    """However an origin is written, it is the one that browsers send."""
    environment.setenv("LIVRIA_ALLOWED_ORIGINS", said)

    assert Settings.from_environment().allowed_origins == (sent,)


def test_trusted_proxies(environment: pytest.MonkeyPatch) -> None:
    """Proxies are listed as addresses and networks; by default they are on the same machine."""
    assert ip_network("::1") in Settings.from_environment().trusted_proxies

    environment.setenv("LIVRIA_TRUSTED_PROXIES", "192.0.2.1, 2001:db8::/32")
    expected = (ip_network("192.0.2.1"), ip_network("2001:db8::/32"))
    assert Settings.from_environment().trusted_proxies == expected

    for wrong in ("*", "proxy.example", "10.0.0.1/8", "0.0.0.0/0", "10.0.0.1, ::/0"):
        environment.setenv("LIVRIA_TRUSTED_PROXIES", wrong)
        with pytest.raises(InvalidSettings, match=r"^LIVRIA_TRUSTED_PROXIES: [^;]+$"):
            Settings.from_environment()


def test_platforms_services(environment: pytest.MonkeyPatch) -> None:
    """The addresses that a platform gives are honoured; our own variables go before them."""
    environment.setenv("DATABASE_URL", "postgres://livria@db.example/livria")
    environment.setenv("REDIS_URL", "redis://redis.example")
    settings = Settings.from_environment()
    assert settings.database_url == "postgres://livria@db.example/livria"
    assert settings.redis_url
    assert settings.redis_url.get_secret_value() == "redis://redis.example"

    environment.setenv("LIVRIA_DATABASE_URL", "sqlite:///mine.db")
    environment.setenv("LIVRIA_REDIS_URL", "unix:///run/redis.sock")
    settings = Settings.from_environment()
    assert settings.database_url == "sqlite:///mine.db"
    assert settings.redis_url
    assert settings.redis_url.get_secret_value() == "unix:///run/redis.sock"


def test_disks_that_do_not_last(environment: pytest.MonkeyPatch) -> None:
    """Where the disk is emptied at every restart, SQLite is refused unless that is wanted."""
    said = complaint(environment, DYNO="web.1")
    assert said.startswith("LIVRIA_DATABASE_URL: ")
    assert "postgresql://" in said
    assert "LIVRIA_EPHEMERAL_SQLITE=1" in said

    environment.setenv("LIVRIA_EPHEMERAL_SQLITE", "1")
    assert Settings.from_environment().database_url == "sqlite:///livria.db"


@pytest.mark.parametrize("name", ["LIVRIA_WORKERS", "WEB_CONCURRENCY"])
def test_processes_need_redis(environment: pytest.MonkeyPatch, name: str) -> None:
    """Several processes without Redis are refused, in a line that says what to set."""
    said = complaint(environment, **{name: "2"})
    assert said.startswith(f"{name}: ")
    assert "LIVRIA_REDIS_URL" in said

    environment.setenv("LIVRIA_REDIS_URL", "redis://localhost")
    assert Settings.from_environment().workers == 2


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://livria:word@localhost:6379/1",
        "rediss://:word@localhost:6380/0?ssl_cert_reqs=none",
        "unix:///run/redis/redis.sock?db=1",
        "redis+sentinel://one:26379,two/livria/1",
    ],
)
def test_redis_addresses(environment: pytest.MonkeyPatch, url: str) -> None:
    """Every kind of address at which Redis can be is accepted."""
    environment.setenv("LIVRIA_REDIS_URL", url)

    assert Settings.from_environment().redis_url


def test_empty_is_unset(environment: pytest.MonkeyPatch) -> None:
    """A variable that is empty is as good as none."""
    environment.setenv("LIVRIA_DATABASE_URL", "")
    environment.setenv("LIVRIA_PORT", "")
    environment.setenv("LIVRIA_REDIS_URL", "")
    environment.setenv("PORT", "5000")

    settings = Settings.from_environment()

    assert settings.database_url == "sqlite:///livria.db"
    assert settings.port == 5000
    assert settings.redis_url is None


def test_unknown_names(environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A name that is no setting is told of in a line, with the setting that is like it, if any."""
    environment.setenv("LIVRIA_PORT", "6000")
    environment.setenv("livria_host", "::1")
    environment.setenv("LIVRIA_REDIS_ULR", "redis://localhost")
    environment.setenv("livria_worker", "2")
    environment.setenv("LIVRIA_QQQQ", "1")
    environment.setenv("LIVRIA_NOTHING", "")
    environment.setenv("OTHER_PORT", "1")

    warn_of_unknown()

    assert sorted(caplog.messages) == [
        "LIVRIA_QQQQ: there is no such setting",
        "LIVRIA_REDIS_ULR: there is no such setting; is LIVRIA_REDIS_URL meant?",
        "livria_worker: there is no such setting; is LIVRIA_WORKERS meant?",
    ]


def test_given_goes_first(environment: pytest.MonkeyPatch) -> None:
    """What the command line gives goes before the environment; None is not given."""
    environment.setenv("LIVRIA_PORT", "6000")
    environment.setenv("LIVRIA_HOST", "::1")

    settings = Settings.from_environment(port=7000, host=None)

    assert (settings.port, settings.host) == (7000, "::1")


def test_settings_stay() -> None:
    """Settings are read once and do not change."""
    settings = Settings.from_environment()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 9  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVRIA_DATABASE_URL", "livria.db"),
        ("LIVRIA_DATABASE_URL", "sqlite://livria.db"),
        ("LIVRIA_DATABASE_URL", "sqlite:///"),
        ("LIVRIA_DATABASE_URL", "sqlite:///:memory:"),
        ("LIVRIA_DATABASE_URL", "sqlite:///livria.db?mode=ro"),
        ("LIVRIA_DATABASE_URL", "sqlite:///a#b/livria.db"),
        ("LIVRIA_DATABASE_URL", "sqlite:///a%20b/livria.db"),
        ("LIVRIA_DATABASE_URL", "sqlite+aiosqlite:///livria.db"),
        ("LIVRIA_DATABASE_URL", "postgresql://localhost:port/livria"),
        ("LIVRIA_DATABASE_URL", "postgresql+asyncpg://localhost/livria"),
        ("LIVRIA_DATABASE_URL", "mysql://localhost/livria"),
        ("LIVRIA_DATABASE_URL", "\x1b[2J\r\nlivria-sse: all is well"),
        ("LIVRIA_REDIS_URL", "localhost:6379"),
        ("LIVRIA_REDIS_URL", "redis://"),
        ("LIVRIA_REDIS_URL", "redis://localhost:port"),
        ("LIVRIA_REDIS_URL", "memcached://localhost"),
        ("LIVRIA_REDIS_URL", "redis+sentinel://localhost:26379"),
        ("LIVRIA_REDIS_LENGTH", "0"),
        ("LIVRIA_REDIS_DAYS", "0"),
        ("LIVRIA_REDIS_DAYS", "nan"),
        ("LIVRIA_PORT", "-1"),
        ("LIVRIA_PORT", "65536"),
        ("LIVRIA_PORT", "http"),
        ("LIVRIA_PORT", "80\n80"),
        ("LIVRIA_PORT", "8" * 5_000),
        ("LIVRIA_WORKERS", "0"),
        ("LIVRIA_LOG_LEVEL", "loud"),
        ("LIVRIA_SAMPLE_BOOKS", "perhaps"),
        ("LIVRIA_SESSION_DAYS", "0"),
        ("LIVRIA_JWT_ALGORITHM", "none"),
        ("LIVRIA_JWT_SECRET", "s" * (SHORTEST_JWT_SECRET - 1)),
        ("LIVRIA_LIMITS", "2"),
        ("LIVRIA_MAX_STREAMS", "0"),
        ("LIVRIA_HEARTBEAT_SECONDS", "301"),
        ("LIVRIA_STREAM_SECONDS", "0"),
        ("LIVRIA_SEND_SECONDS", "0"),
        ("LIVRIA_REPLAY_LIMIT", "0"),
        ("LIVRIA_AUDIT_SECONDS", "nan"),
        ("LIVRIA_AUDIT_SECONDS", "inf"),
        ("LIVRIA_AUDIT_SECONDS", "0"),
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_wrong_values(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A wrong value is one line that names its variable and says why, without quoting it."""
    said = complaint(environment, **{name: value})

    assert said.startswith(f"{name}: ")
    assert len(said) > len(f"{name}: ") + 5
    assert said.isprintable()
    assert "LIVRIA_" not in said.removeprefix(name)


def test_every_mistake_is_named(environment: pytest.MonkeyPatch) -> None:
    """Several wrong values are named together, so that they can be mended together."""
    said = complaint(environment, LIVRIA_LOG_LEVEL="loud", LIVRIA_PORT="http")

    assert "LIVRIA_LOG_LEVEL: " in said
    assert "LIVRIA_PORT: " in said
    assert "\n" not in said


@pytest.mark.parametrize(("name", "value"), [("PORT", "http"), ("WEB_CONCURRENCY", "many")])
def test_platforms_names_are_said(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A wrong value of a platform's variable is complained of by that variable's name."""
    said = complaint(environment, **{name: value})

    assert re.search(rf"\b{name}\b", said)


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"LIVRIA_JWT_SECRET": SECRET, "LIVRIA_JWT_PUBLIC_KEY": "PEM"}, "PUBLIC_KEY"),
        ({"LIVRIA_JWT_SECRET": SECRET, "LIVRIA_JWT_JWKS_FILE": "keys.json"}, "JWKS_FILE"),
        ({"LIVRIA_JWT_PUBLIC_KEY": "PEM", "LIVRIA_JWT_JWKS_FILE": "keys.json"}, "PUBLIC_KEY"),
        ({"LIVRIA_JWT_SECRET": SECRET, "LIVRIA_JWT_ALGORITHM": "RS256"}, "JWT_SECRET"),
        ({"LIVRIA_JWT_PUBLIC_KEY": "PEM"}, "JWT_ALGORITHM"),
        ({"LIVRIA_JWT_JWKS_FILE": "keys.json"}, "JWT_ALGORITHM"),
    ],
    ids=["two", "two-more", "two-public", "secret-for-RS256", "key-for-HS256", "file-for-HS256"],
)
def test_one_key_for_tokens(
    environment: pytest.MonkeyPatch, variables: dict[str, str], word: str
) -> None:
    """Tokens have one key, and the algorithm is one for it: a public key is never a secret."""
    said = complaint(environment, **variables)

    assert said.startswith("LIVRIA_JWT_")
    assert word in said
    assert said.isprintable()


@pytest.mark.parametrize(
    "variables",
    [
        {"LIVRIA_JWT_SECRET": SECRET, "LIVRIA_JWT_ALGORITHM": "RS256"},
        {"LIVRIA_JWT_SECRET": SECRET, "LIVRIA_JWT_PUBLIC_KEY": "PEM"},
        {"LIVRIA_JWT_SECRET": SECRET, "LIVRIA_PORT": "http"},
        {"LIVRIA_JWT_SECRET": SECRET[: SHORTEST_JWT_SECRET - 1]},
        {"LIVRIA_REDIS_URL": f"redis://:{SECRET}@localhost:port"},
        {"LIVRIA_DATABASE_URL": f"postgresql://livria:{SECRET}@localhost:port/livria"},
        {"LIVRIA_PORT": SECRET},
    ],
    ids=["algorithm", "two-keys", "other-mistake", "short", "redis", "database", "misplaced"],
)
def test_secrets_are_not_said(environment: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """No complaint, and nothing that it comes from, quotes a value: it may be a secret."""
    for name, value in variables.items():
        environment.setenv(name, value)

    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment()
    with pytest.raises(ValidationError) as within:
        Settings()

    assert SECRET[:20] not in str(caught.value)
    assert caught.value.__cause__ is None
    assert SECRET[:20] not in str(within.value)


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    """Settings that are printed, in a log or a traceback, do not show their secrets."""
    environment.setenv("LIVRIA_JWT_SECRET", SECRET)
    environment.setenv("LIVRIA_REDIS_URL", f"redis://:{SECRET}@localhost")
    environment.setenv("LIVRIA_DATABASE_URL", f"postgresql://livria:{SECRET}@localhost/livria")

    settings = Settings.from_environment()

    assert SECRET not in f"{settings!r} {settings}"
    assert settings.jwt_secret
    assert settings.jwt_secret.get_secret_value() == SECRET


#: What comes near to something that a setting can be.
NEARLY = [
    *["0", "-0", "1e400", "nan", "inf", "1_0", "0x1", "1" * 5_000, "\u0661", "true", " on ", "{}"],
    *["sqlite:///x", "sqlite:////", "postgresql://[", "postgresql://h:70000/d", "postgres://"],
    *["redis://[", "redis://h:0", "redis+sentinel://[", "rediss+sentinel://h/\n", "unix://"],
    *["http://[", "https://h:", "https://h:99999", "[::1]", "1.2.3.4/33", "::/129", "10.0.0.1/8"],
    *["1/second", "0/minute", "1" * 400 + "/year", "1 per " + "9" * 400 + " years", "-1/day", "/"],
    *["HS256", "RS256", "-----BEGIN PUBLIC KEY-----", "/dev/null", "~", ".."],
]
VARIABLES = [f"LIVRIA_{name.upper()}" for name in Settings.model_fields]
VALUES = st.sampled_from(NEARLY) | st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@example({"LIVRIA_REDIS_URL": "redis://["})
@example({"LIVRIA_REDIS_URL": "redis+sentinel://["})
@example({"LIVRIA_DATABASE_URL": "postgresql://["})
@example({"LIVRIA_ALLOWED_ORIGINS": "http://["})
@example({"LIVRIA_WRITES_PER_ACCOUNT": "1" * 5_000 + "/minute"})
@given(st.dictionaries(st.sampled_from(VARIABLES), VALUES, max_size=4))
def test_any_values_are_judged(variables: dict[str, str]) -> None:
    """Whatever variables say, they are settings, or there is one line that names what is wrong."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        said = _said_of_settings()

    assert said.isprintable()
    assert not said or said.startswith("LIVRIA_")


def _said_of_settings() -> str:
    try:
        Settings.from_environment()
    except InvalidSettings as error:
        return error.detail
    return ""
