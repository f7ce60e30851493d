"""A proxy's configuration for given names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from ipaddress import AddressValueError, IPv6Address

from jinja2 import Environment, PackageLoader, StrictUndefined

from livria_sse.errors import InvalidInput

#: The file that configures each proxy, in this folder.
PROXIES: Mapping[str, str] = {
    "nginx": "nginx.conf",
    "caddy": "Caddyfile",
    "haproxy": "haproxy.cfg",
    "apache": "apache.conf",
}
#: What ends a word in one of them.
_SPECIAL = re.compile(r"[^!-~]|[\"'`{}();#$\\\[\]<>]|^$")
STRANGE = "use a word without spaces, quotes and brackets"
#: A host name, or an address of IPv4, which looks like one.
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*",
    re.ASCII | re.IGNORECASE,
)
NO_HOST = "use the name of a host, like books.example"
_PORT = re.compile(r"[1-9][0-9]{0,4}")
NO_SERVER = "use an address and a port, like 127.0.0.1:8000 or [::1]:8000"


@dataclass(frozen=True, kw_only=True)
class Names:
    """What differs from site to site."""

    #: As browsers know the site.
    host: str = "livria.example"
    port: int = 443
    #: Where its certificate is, and the key of that.
    certificate: str = "/etc/ssl/livria/fullchain.pem"
    key: str = "/etc/ssl/livria/privkey.pem"
    #: The server processes: `<address>:<port>`, an address of IPv6 in brackets.
    servers: tuple[str, ...] = ("127.0.0.1:8000",)
    #: How long nothing may come on a connection: more than four of the longest heartbeats of the
    #: default setting.
    idle_seconds: int = 75
    #: How long a request may take to come; the server itself waits as long for it.
    request_seconds: int = 20


def configuration(proxy: str, names: Names) -> str:
    """The configuration of a proxy, one of `PROXIES`.

    Raises:
        InvalidInput: A name would mean something else in it.
    """
    if strange := dict(_refusals(names)):
        raise InvalidInput(errors=strange)
    environment = Environment(  # noqa: S701 - no markup is made of it
        loader=PackageLoader("livria_sse", "deploy"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(PROXIES[proxy]).render(asdict(names))


def _refusals(names: Names) -> Iterator[tuple[str, list[str]]]:
    if not _HOST.fullmatch(names.host):
        yield "host", [NO_HOST]
    for name in ("certificate", "key"):
        if _SPECIAL.search(getattr(names, name)):
            yield name, [STRANGE]
    if not all(map(_is_server, names.servers)):
        yield "server", [NO_SERVER]


def _is_server(server: str) -> bool:
    address, _, port = server.rpartition(":")
    if not (_PORT.fullmatch(port) and int(port) <= 65535):
        return False
    if address.startswith("[") and address.endswith("]"):
        return _is_ipv6(address[1:-1])
    return _HOST.fullmatch(address) is not None


def _is_ipv6(address: str) -> bool:
    try:
        return "%" not in address and bool(IPv6Address(address).compressed)
    except AddressValueError:
        return False
