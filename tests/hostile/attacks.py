"""All attacks, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.hostile import connections, costly, requests, texts, tokens
from tests.hostile.wire import PROXY, Target
from tests.parts import ServerProcess

Attack = Callable[[Target], Awaitable[None]]

#: Each asserts what became of it: a refusal, or a connection that was closed.
ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        connections.slow_heads,
        connections.slow_bodies,
        connections.half_open,
        connections.idle_sockets,
        connections.header_floods,
        connections.leaving,
        connections.asking_on,
        connections.asking_on_behind_a_proxy,
        connections.pipelining,
        requests.unknown_books,
        requests.garbage_positions,
        requests.forged_forwarding,
        requests.cross_site,
        requests.log_injection,
        texts.json_bombs,
        texts.unicode_names,
        texts.unicode_texts,
        tokens.forged_tokens,
        costly.asking_for_all,
        connections.preflights,
        costly.small_pieces,
        costly.long_targets,
        costly.signing_in,
    )
}


async def nothing(_target: Target) -> None:
    """Attacks nobody; again and again, it keeps a processor as busy as an attacker can."""


def attacked_server(folder: Path, *, pace: str = "200/second") -> ServerProcess:
    """A server of little patience, with a login of the site."""
    return ServerProcess(
        folder,
        request_seconds="1",
        heartbeat_seconds="1",
        send_seconds="1",
        jwt_secret=tokens.SECRET,
        trusted_proxies=PROXY,
        allowed_origins=connections.ORIGIN,
        max_streams_per_address=str(requests.STREAMS_PER_ADDRESS),
        requests_per_address=pace,
    )
