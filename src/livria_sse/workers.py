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
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)

#: How often the supervisor looks whether it was told anything.
LOOK_SECONDS = 0.2
#: One that ends by itself is replaced, but not more often than this: it may do so at once again.
REPLACEMENT_SECONDS = 1.0
#: One that has not begun to work after so long is given up.
START_SECONDS = 60.0

#: Does the work of a process; calls what it is given first as soon as it has begun.
Work = Callable[..., None]


class Worker:
    """One of the processes."""

    def __init__(self, context: SpawnContext, work: Work, *given: Any) -> None:
        self._began = context.Event()
        self.process = context.Process(target=_work_below_parent, args=(work, self._began, *given))
        self.process.start()

    @property
    def works(self) -> bool:
        """Whether it has begun."""
        return self._began.is_set()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.is_alive()


class Workers:
    """Runs `work(begun, *given)` in so many processes; all of it must be picklable.

    One that was told to end is killed after `last_seconds`.
    """

    def __init__(self, count: int, work: Work, *given: Any, last_seconds: float) -> None:
        self._count = count
        self._new = partial(Worker, multiprocessing.get_context("spawn"), work, *given)
        self._last_seconds = last_seconds
        self._workers: list[Worker] = []
        self._stopping = False
        self._rolling = False

    def run(self) -> None:
        """Starts them, and replaces those that die.

        SIGHUP replaces all, one after the other; SIGTERM or SIGINT ends all, and a second SIGINT
        the supervisor itself, after which they end by themselves.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._roll)
        self._workers = [self._new() for _ in range(self._count)]
        while not self._stopping:
            wait([worker.process.sentinel for worker in self._workers], timeout=LOOK_SECONDS)
            self._replace_dead()
            if self._rolling:
                self._rolling = False
                self._replace_all()
        self._end(self._workers)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def _roll(self, _number: int, _frame: FrameType | None) -> None:
        self._rolling = True

    def _replace_dead(self) -> None:
        dead = [worker for worker in self._workers if not worker.is_alive]
        if not dead or self._stopping:
            return
        for worker in dead:
            process = worker.process
            logger.warning("worker %d ended with status %s", process.pid, process.exitcode)
            self._workers.remove(worker)
        time.sleep(REPLACEMENT_SECONDS)
        self._workers += [self._new() for _ in dead]

    def _replace_all(self) -> None:
        for old in tuple(self._workers):
            new = self._new()
            self._workers.append(new)
            if not self._begins(new):
                logger.error("worker %d does not begin: the others stay", new.process.pid)
                self._workers.remove(new)
                self._end([new])
                return
            self._workers.remove(old)
            self._end([old])
            logger.info("worker %d replaces %d", new.process.pid, old.process.pid)

    def _begins(self, worker: Worker) -> bool:
        latest = time.monotonic() + START_SECONDS
        while not worker.works and worker.is_alive:
            if self._stopping or time.monotonic() > latest:
                return False
            time.sleep(LOOK_SECONDS)
        return worker.works

    def _end(self, workers: Iterable[Worker]) -> None:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            worker.process.join(self._last_seconds)
            worker.process.kill()  # which does nothing to one that has ended


def _work_below_parent(work: Work, began: Event, *given: Any) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(began.set, *given)


def _end_with_parent() -> None:
    # A supervisor that is killed cannot tell its workers to stop.
    parent = multiprocessing.parent_process()
    assert parent is not None, "workers are started by a supervisor"  # noqa: S101
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
