"""What a single variable of the environment may say, by its kind."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

#: By a socket of TCP, TLS or Unix, or by asking sentinels for the present master.
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_ORIGIN = re.compile(r"(https?)://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?")
DEFAULT_PORTS = {"http": 80, "https": 443}
RATE_EXAMPLE = "write it like 60/minute or 10 per 5 minutes"


def _listed(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


T = TypeVar("T")
#: A list with commas or spaces.
Listed = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_listed)]


def _origin(value: str) -> str:
    # As browsers write it: in small letters, with a port only if it is not the scheme's own (WHATWG
    # URL, "host parsing" and "port state"; HTML, "ASCII serialisation of an origin").
    origin = value.lower()
    match = _ORIGIN.fullmatch(origin)
    if not match or int(match[2] or 1) > 65535:
        raise ValueError(f"{value!r} is no origin, as https://livria.example is")
    return origin.removesuffix(f":{DEFAULT_PORTS[match[1]]}")


#: Another site, as browsers name it: `https://livria.kr`.
Origin = Annotated[str, AfterValidator(_origin)]


Network = IPv4Network | IPv6Network


def _network(value: str) -> Network:
    network = ip_network(value)
    if not network.prefixlen:  # anybody could then say that they are somebody else
        raise ValueError(f"{network} is every address: name those of your proxies")
    return network


#: The addresses of proxies: `192.0.2.1` or `2001:db8::/32`.
ProxyNetwork = Annotated[Network, BeforeValidator(_network)]


def _rate(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        rate, *others = parse_many(value)
    except ValueError as error:
        raise ValueError(RATE_EXAMPLE) from error
    if others:
        raise ValueError(f"it is more than one rate; {RATE_EXAMPLE}")
    if rate.amount < 1:
        raise ValueError(f"it allows nothing; {RATE_EXAMPLE}")
    return rate


#: So many in so long, as "60/minute".
Rate = Annotated[RateLimitItem, BeforeValidator(_rate)]


def _database_url(url: str) -> str:
    scheme, _, path = url.partition("://")
    if scheme in {"postgresql", "postgres"}:
        if not _parsed(url):
            raise ValueError("it is not a valid address")
    elif scheme != "sqlite" or not path.startswith("/"):
        raise ValueError("use sqlite:///<path> or postgresql://<user>:<password>@<host>/<name>")
    elif path[1:] in {"", ":memory:"}:
        raise ValueError("name a file, as in sqlite:///livria.db")
    elif set(path) & set("?#%"):  # which every library takes apart in its own way
        raise ValueError("use a path without ? # %")
    return url


#: `sqlite:///<path>` or `postgresql://<user>:<password>@<host>/<name>`.
DatabaseURL = Annotated[str, AfterValidator(_database_url)]


def _redis_url(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    scheme, _, rest = url.partition("://")
    if scheme not in REDIS_SCHEMES or not rest:
        raise ValueError(f"use one of {', '.join(f'{each}://' for each in REDIS_SCHEMES)}")
    if "+sentinel" in scheme and not _path(url):
        raise ValueError("name the service, as in redis+sentinel://host:26379/livria")
    if "+sentinel" not in scheme and not _parsed(url):
        raise ValueError("it is not a valid address")
    return secret


#: Where Redis is; it may hold a password.
RedisURL = Annotated[SecretStr, AfterValidator(_redis_url)]


def _path(url: str) -> str:
    with suppress(ValueError):
        return urlsplit(url).path.strip("/")
    return ""


def _parsed(url: str) -> bool:
    with suppress(ValueError):
        return urlsplit(url).port != 0
    return False
