"""Whose address counts, behind proxies that are trusted and behind others."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from livria_sse.web.clients import Proxies, address_of

TRUSTED = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
PROXIES = Proxies(TRUSTED)


def revealed(peer: str | None, *forwarded: str | bytes, proto: str = "") -> dict[str, Any]:
    """A request's scope when the proxies have been looked at."""
    values = [value if isinstance(value, bytes) else value.encode() for value in forwarded]
    scope: dict[str, Any] = {
        "type": "http",
        "scheme": "http",
        "client": (peer, 50_000) if peer else None,
        "headers": [(b"x-forwarded-for", value) for value in values],
    }
    if proto:
        scope["headers"].append((b"x-forwarded-proto", proto.encode()))
    PROXIES.reveal(scope)
    return scope


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["1.2.3.4, 203.0.113.9, 10.1.1.1"], "203.0.113.9"),
        ("127.0.0.1", ["1.2.3.4", "203.0.113.9, 10.1.1.1"], "203.0.113.9"),
        ("127.0.0.1", ["10.2.2.2, 10.1.1.1"], "10.1.1.1"),
        ("127.0.0.1", ["10.2.2.2", "127.0.0.1"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9, nonsense, 10.1.1.1"], "10.1.1.1"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        (None, ["203.0.113.9"], "203.0.113.9"),
        (None, [], "unknown"),
        ("::ffff:127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("fd00::1", ["2001:db8:1:2:ffff::"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("127.0.0.1", ["[2001:db8:1:2::3]:4711"], "2001:db8:1:2::/64"),
        ("127.0.0.1", ["fe80::1%a b"], "127.0.0.1"),
        ("testclient", [], "unknown"),
    ],
)
def test_addresses(peer: str | None, forwarded: list[str], address: str) -> None:
    """The client is the first from the right that is no trusted proxy, whatever it says itself."""
    assert address_of(revealed(peer, *forwarded)) == address


@given(st.lists(st.ip_addresses(network=TRUSTED[1])))
def test_claims_of_trusted_addresses(claims: list[IPv4Address]) -> None:
    """Who is on a trusted proxy's machine is that address, whatever other proxies they name."""
    forwarded = ", ".join(map(str, [*claims, "127.0.0.1"]))

    assert address_of(revealed("127.0.0.1", forwarded)) == "127.0.0.1"


def test_schemes() -> None:
    """A trusted proxy says whether the client came by TLS; nobody else does."""
    assert revealed("127.0.0.1", proto="https")["scheme"] == "https"
    assert revealed("127.0.0.1", proto="javascript")["scheme"] == "http"
    assert revealed("198.51.100.7", proto="https")["scheme"] == "http"


@given(st.lists(st.binary(max_size=50), max_size=3))
def test_garbage_is_nobody(forwarded: list[bytes]) -> None:
    """Whatever is forwarded, there is an address that is safe to count and to log."""
    address = address_of(revealed("127.0.0.1", *forwarded))

    assert address.isprintable()
    assert " " not in address


@given(st.lists(st.binary(max_size=20)), st.ip_addresses(v=4))
def test_claims_do_not_count(claims: list[bytes], client: IPv4Address) -> None:
    """Whatever a client forwards itself, the address that our proxy saw is the one that counts."""
    assume(not any(client in network for network in TRUSTED))
    seen = str(client).encode()

    assert address_of(revealed("127.0.0.1", b",".join([*claims, seen]))) == str(client)
    assert address_of(revealed("127.0.0.1", *claims, seen)) == str(client)
