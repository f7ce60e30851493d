"""A proxy's configuration for given names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

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


@dataclass(frozen=True, kw_only=True)
class Names:
    """What differs from site to site."""

    #: As browsers know the site.
    host: str = "livria.example"
    port: int = 443
    #: Where its certificate is, and the key of that.
    certificate: str = "/etc/ssl/livria/fullchain.pem"
    key: str = "/etc/ssl/livria/privkey.pem"
    #: The server processes: `<address>:<port>`.
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
    if strange := {name: [STRANGE] for name, value in _words(names) if _SPECIAL.search(value)}:
        raise InvalidInput(errors=strange)
    environment = Environment(  # noqa: S701 - no markup is made of it
        loader=PackageLoader("livria_sse", "deploy"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(PROXIES[proxy]).render(asdict(names))


def _words(names: Names) -> Iterator[tuple[str, str]]:
    for name in ("host", "certificate", "key"):
        yield name, getattr(names, name)
    for server in names.servers:
        yield "server", server
