"""The real parts that tests start, and who talks to them."""

from __future__ import annotations

from tests.parts.bad_gateway import BadGateway
from tests.parts.chromium import Chromium, ChromiumTab
from tests.parts.curl import Curl
from tests.parts.missing import missing
from tests.parts.node import installed, node
from tests.parts.person import PASSWORD, Person
from tests.parts.postgres import PostgresCluster
from tests.parts.redis import RedisServer
from tests.parts.reverse_proxy import (
    CHECKING_FIRST,
    KINDS,
    KINDS_AT_LENGTH,
    Care,
    Kind,
    ReverseProxy,
)
from tests.parts.server import GENEROUS, ServerProcess, plain_uvicorn
from tests.parts.tcp_proxy import TCPProxy

__all__ = [
    "CHECKING_FIRST",
    "GENEROUS",
    "KINDS",
    "KINDS_AT_LENGTH",
    "PASSWORD",
    "BadGateway",
    "Care",
    "Chromium",
    "ChromiumTab",
    "Curl",
    "Kind",
    "Person",
    "PostgresCluster",
    "RedisServer",
    "ReverseProxy",
    "ServerProcess",
    "TCPProxy",
    "installed",
    "missing",
    "node",
    "plain_uvicorn",
]
