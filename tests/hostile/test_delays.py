"""How much later reviews come to their readers while a server is attacked.

`pytest --log-cli-level=info` shows what was measured.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hostile.attacks import ATTACKS, attacked_server
from tests.hostile.visitors import visiting
from tests.parts import Person

logger = logging.getLogger(__name__)

REVIEWS = 2_000
#: On a machine of two cores, less is no delay.
LEAST_SECONDS = 0.02


@contextmanager
def attacking(name: str, port: int, token: str) -> Iterator[subprocess.Popen[str]]:
    """Somebody who attacks a server again and again, in a process of their own."""
    command = [sys.executable, "-m", "tests.hostile", name, str(port), token]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as attacker:
        assert attacker.stdout
        try:
            assert attacker.stdout.readline() == "begun\n"
            yield attacker
        finally:
            attacker.terminate()


@pytest.mark.long
@pytest.mark.parametrize("name", ATTACKS)
async def test_attacks_delay_nobody(name: str, tmp_path: Path) -> None:
    """While somebody attacks, the p99 from a POST to a reader's page is at most doubled.

    Twice of what it is while a process like theirs does nothing but keep the machine busy: what
    their side of an attack takes from the others, it would take from its own machine.
    """
    with (
        attacked_server(tmp_path) as server,
        Person(server.url, "writer") as writer,
        Person(server.url, "attacker") as attacker,
    ):
        async with visiting(server, writer) as visitors:
            with attacking("nothing", server.port, attacker.token):
                await visitors.post_many(REVIEWS // 10)
                calm = await visitors.post_many(REVIEWS)
            with attacking(name, server.port, attacker.token) as attack:
                attacked = await visitors.post_many(REVIEWS)
                assert attack.poll() is None
    logger.info("%s: p99 is %.1f ms instead of %.1f ms", name, attacked * 1e3, calm * 1e3)

    assert attacked <= max(2 * calm, LEAST_SECONDS)
