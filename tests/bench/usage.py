"""What processes use, as the kernel counts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What was used by some processes and their children."""

    #: Since they began, all threads together.
    cpu_seconds: float
    #: Resident at present.
    kib: int


def usage_of(*pids: int) -> Usage:
    """What these processes and all below them use."""
    everybody = [each for pid in pids for each in family(pid)]
    return Usage(sum(map(_cpu_seconds, everybody)), sum(map(_kib, everybody)))


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def _cpu_seconds(pid: int) -> float:
    # In nanoseconds; /proc/<pid>/stat would count in hundredths of a second.
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
