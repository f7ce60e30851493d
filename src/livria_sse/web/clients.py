"""Clients: whose address it is that speaks to us, behind the proxies that we trust."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

from livria_sse.variables import Network

UNKNOWN = "unknown"
#: An address; some write the port, too.
_ENTRY = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::[0-9]+)?|([0-9a-fA-F:.]+)")


class Proxies:
    """Takes the word of trusted proxies, and of nobody else.

    Each proxy adds the address that it sees at the right end of `X-Forwarded-For`; what a client
    sends stands to the left of it. So the client is the first from the right that is no trusted
    proxy. The leftmost is whoever the client says that they are. Where all are trusted, as a client
    on a proxy's machine can make it look, it is the rightmost: what the nearest proxy saw.
    """

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._networks = trusted
        #: Whether an address is a trusted proxy's.
        self.trusts = lru_cache(maxsize=1024)(self._is_trusted)

    def reveal(self, scope: Scope) -> None:
        """Puts the client and the scheme that it uses into a request's scope."""
        client = scope.get("client")
        if client and not self.trusts(client[0]):
            return
        forwarded = b""
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                forwarded += b"," + value
            elif name == b"x-forwarded-proto" and value in {b"http", b"https"}:
                scope["scheme"] = value.decode()
        if forwarded and (address := self._behind(forwarded)):
            scope["client"] = (address, 0)

    def _behind(self, forwarded: bytes) -> str | None:
        nearest = None
        for address in _addresses(forwarded):
            if not self.trusts(address):
                return address
            nearest = nearest or address
        return nearest

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(_plain(parsed) in network for network in self._networks)


def address_of(scope: Scope) -> str:
    """The client's address as limits count it."""
    client = scope.get("client")
    return counted(client[0]) if client else UNKNOWN


@lru_cache(maxsize=4096)
def counted(address: str) -> str:
    """An address as limits count it: an IPv6 network is one customer's (RFC 6177)."""
    try:
        parsed = _plain(ip_address(address))
    except ValueError:
        return UNKNOWN
    return str(ip_network((parsed, 64), strict=False) if parsed.version == 6 else parsed)


def _addresses(forwarded: bytes) -> Iterator[str]:
    for entry in reversed(forwarded.decode("latin-1").split(",")):
        match = _ENTRY.fullmatch(entry.strip())
        try:
            yield str(_plain(ip_address(next(filter(None, match.groups())) if match else "")))
        except ValueError:  # whatever stands to the left of it, nobody vouches for
            return


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
