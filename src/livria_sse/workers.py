"""Several processes that do the same work, kept alive until they are told to stop.

uvicorn's own supervisor is not used: it makes plain uvicorn servers, which cannot drain.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
#: One that has not begun to work after so long is given up; it may have to migrate first.
START_SECONDS = 660.0
#: What one is told whose successor is at work. It accepts no connections any more, so that nobody
#: who comes back meets it again; on SIGTERM it answers to the end, as there may be nobody else.
REPLACED = signal.SIGUSR1

#: Does the work of a process; calls what it is given first as soon as it has begun.
Work = Callable[..., None]


class Worker:
    """One of the processes."""

    def __init__(self, context: SpawnContext, work: Work, *given: Any) -> None:
        self._began = context.Event()
        self.started_at = time.monotonic()
        self._told_at = math.inf
        self.process = context.Process(target=_work_below_parent, args=(work, self._began, *given))
        with _uninterrupted():
            self.process.start()
        assert self.process.pid, "it has just been started"  # noqa: S101
        #: Of the process.
        self.id = self.process.pid

    @property
    def works(self) -> bool:
        """Whether it has begun."""
        return self._began.is_set()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process.is_alive()

    def end(self, told: signal.Signals) -> None:
        """Tells it to end."""
        self._told_at = time.monotonic()
        if self.is_alive:
            os.kill(self.id, told)

    def kill_if_late(self, seconds: float) -> None:
        """Kills it if it was told to end so long ago, and has not."""
        if time.monotonic() >= self._told_at + seconds:
            self.process.kill()


class Workers:
    """Runs `work(begun, *given)` in so many processes; all of it must be picklable.

    One that was told to end is killed after `last_seconds`. `ended` is called with the id of each
    process that has ended while others work.
    """

    def __init__(
        self,
        count: int,
        work: Work,
        *given: Any,
        last_seconds: float,
        ended: Callable[[int], None] | None = None,
    ) -> None:
        self._count = count
        self._new = partial(Worker, multiprocessing.get_context("spawn"), work, *given)
        self._last_seconds = last_seconds
        self._ended = ended or (lambda _process: None)
        self._stopping = False
        #: Whether somebody would not wait until all had ended.
        self.hurried = False
        self._told_to_roll = False
        #: Those that do the work.
        self._workers: list[Worker] = []
        #: Those of them that are still to be replaced, and who is about to replace the first.
        self._old: list[Worker] = []
        self._successor: Worker | None = None
        #: Those that were told to end.
        self._ending: list[Worker] = []

    def run(self) -> None:
        """Starts them, and replaces those that die.

        SIGHUP replaces all, one after the other; SIGTERM or SIGINT ends all, and a SIGINT after
        that kills them.
        """
        signal.signal(REPLACED, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to be replaced
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._workers = [self._new() for _ in range(self._count)]
        signal.signal(signal.SIGHUP, self._roll)
        while not self._stopping:
            self._wait()
            self._replace_dead()
            self._replace_old()
        for worker in [*self._workers, *([self._successor] if self._successor else [])]:
            self._end(worker)
        self._workers.clear()
        while self._ending:
            self._wait()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.hurried = self.hurried or (self._stopping and number == signal.SIGINT)
        self._stopping = True

    def _roll(self, _number: int, _frame: FrameType | None) -> None:
        self._told_to_roll = True

    def _end(self, worker: Worker, told: signal.Signals = signal.SIGTERM) -> None:
        worker.end(told)
        self._ending.append(worker)

    def _wait(self) -> None:
        everybody = [*self._workers, *self._ending]
        wait([worker.process.sentinel for worker in everybody], timeout=LOOK_SECONDS)
        for worker in self._ending:
            worker.kill_if_late(0 if self.hurried else self._last_seconds)
        for worker in [worker for worker in self._ending if not worker.is_alive]:
            self._ending.remove(worker)
            self._ended(worker.id)

    def _replace_dead(self) -> None:
        dead = [worker for worker in self._workers if not worker.is_alive]
        if not dead or self._stopping:
            return
        for worker in dead:
            told = {"worker": worker.id, "status": worker.process.exitcode}
            logger.warning("worker %(worker)d ended with status %(status)s", told)
            self._workers.remove(worker)
            self._ended(worker.id)
        time.sleep(REPLACEMENT_SECONDS)
        self._workers += [self._new() for _ in dead]

    def _replace_old(self) -> None:
        if self._told_to_roll:
            self._told_to_roll = False
            self._old = list(self._workers)
        self._old = [worker for worker in self._old if worker in self._workers]  # not by its death
        if self._successor:
            self._settle(self._successor)
        elif self._old and not self._ending:
            self._successor = self._new()

    def _settle(self, successor: Worker) -> None:
        if successor.works and self._old:
            old = self._old.pop(0)
            self._workers.remove(old)
            self._workers.append(successor)
            self._end(old, REPLACED)
            told = {"worker": successor.id, "replaced": old.id}
            logger.info("worker %(worker)d replaces %(replaced)d", told)
        elif successor.works:  # whom it was to replace has died, and was replaced
            self._end(successor)
        elif successor.is_alive and time.monotonic() < successor.started_at + START_SECONDS:
            return
        else:
            told = {"worker": successor.id}
            logger.error("worker %(worker)d does not begin: the others stay", told)
            self._old.clear()
            self._end(successor)
        self._successor = None


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Lets SIGINT wait; in a process that is started meanwhile, until it says otherwise."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work_below_parent(work: Work, began: Event, *given: Any) -> None:
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # they are the supervisor's, and may go to all
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(began.set, *given)


def _end_with_parent() -> None:
    # A supervisor that is killed cannot tell its workers to stop.
    parent = multiprocessing.parent_process()
    assert parent is not None, "workers are started by a supervisor"  # noqa: S101
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
