"""Several processes that do the same work, kept alive until they are told to stop.

uvicorn's own supervisor is not used: it makes plain uvicorn servers, which cannot drain.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)

#: How often the supervisor looks whether it was told to stop.
LOOK_SECONDS = 0.2
#: One that ends by itself is replaced, but not more often than this: it may do so at once again.
REPLACEMENT_SECONDS = 1.0
#: A worker that has not ended so long after it was told to is ended.
LAST_SECONDS = 15.0


class Workers:
    """Runs `work(*given)` in so many processes; all of it must be picklable."""

    def __init__(self, count: int, work: Callable[..., None], *given: Any) -> None:
        self._count = count
        self._work = work
        self._given = given
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._processes: list[SpawnProcess] = []
        self._stopping = False

    def run(self) -> None:
        """Starts them, replaces those that die, and ends all on SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._processes = [self._start() for _ in range(self._count)]
        while not self._stopping:
            wait([process.sentinel for process in self._processes], timeout=LOOK_SECONDS)
            self._replace_dead()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(LAST_SECONDS)
            process.kill()  # which does nothing to one that has ended

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self) -> SpawnProcess:
        process = self._context.Process(target=_work_below_parent, args=(self._work, *self._given))
        process.start()
        return process

    def _replace_dead(self) -> None:
        dead = [process for process in self._processes if not process.is_alive()]
        if not dead or self._stopping:
            return
        for process in dead:
            logger.warning("worker %d ended with status %s", process.pid, process.exitcode)
            self._processes.remove(process)
        time.sleep(REPLACEMENT_SECONDS)
        self._processes += [self._start() for _ in dead]


def _work_below_parent(work: Callable[..., None], *given: Any) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(*given)


def _end_with_parent() -> None:
    # A supervisor that is killed cannot tell its workers to stop.
    parent = multiprocessing.parent_process()
    assert parent is not None, "workers are started by a supervisor"  # noqa: S101
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
