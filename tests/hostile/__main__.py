"""Attacks a server again and again, until it is told to stop.

    python -m tests.hostile <attack> <port> <token>

In a process of its own, and behind all others in the queue for the processor: attackers have
machines of their own, and what they use there should take nothing from those who are measured.
"""

from __future__ import annotations

import asyncio
import os
import sys

from tests.hostile.attacks import ATTACKS, nothing
from tests.hostile.wire import Target


async def main(name: str, port: str, token: str) -> None:
    """Attacks."""
    attack = {**ATTACKS, nothing.__name__: nothing}[name]
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while True:
        await attack(Target(int(port), token))


asyncio.run(main(*sys.argv[1:]))
