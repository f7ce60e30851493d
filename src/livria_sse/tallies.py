"""The tallies: what each worker of a server has counted, so that any of them can tell the sum.

prometheus_client's own way (`PROMETHEUS_MULTIPROC_DIR`) is not taken: it is chosen by a variable at
import, writes to a file whenever something is counted, has no place for numbers that are only read
when somebody asks, and keeps the files of all workers that ever were.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

logger = logging.getLogger(__name__)

#: What belongs to a worker only while it lives.
OF_THE_LIVING = "gauge"


class Tallies:
    """A file for each worker that lives, and one for all that have ended, in Prometheus' format.

    Workers `tell`, and their supervisor says which has come to its `end`. Nobody waits for anybody:
    files are replaced as a whole, and whoever finds that one is gone looks again. There is always
    one for the ended, `<number>-<process>.ended`; the highest number counts, and includes what that
    process has told. So each worker is counted once, whenever one looks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tell(self, process: int, text: bytes) -> None:
        """Says what a worker has counted."""
        self._put(f"{process}.living", text)

    def summed(self, highest: Collection[str]) -> bytes:
        """What all have counted; of the gauges that are named, the highest of the living."""
        while True:
            ended, living = self._listed()
            try:
                texts = [path.read_bytes() for path in [*ended, *living]]
            except FileNotFoundError:
                continue
            return _text(_summed(texts, highest))

    def begin(self) -> None:
        """Nobody has ended yet."""
        self._put("0-0.ended", b"")

    def end(self, process: int) -> None:
        """Keeps what a worker has counted that is no more."""
        own = self._folder / f"{process}.living"
        try:
            if own.exists():
                before, _living = self._listed()
                number = max(map(_number, before), default=0) + 1
                everything = _summed(path.read_bytes() for path in [*before, own])
                lasting = [family for family in everything if family.type != OF_THE_LIVING]
                self._put(f"{number}-{process}.ended", _text(lasting))
                # A list may be made while files come and go: whoever has missed both the new one
                # and this worker's must not find the old one.
                for path in [*before, own]:
                    path.unlink()
            _unfinished(own).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("what worker %d has counted may be lost: %s", process, error)

    def _listed(self) -> tuple[list[Path], list[Path]]:
        """The file of those that have ended, and those of the workers it does not include.

        There is none only where somebody has emptied the folder.
        """
        paths = list(self._folder.iterdir())
        ended = sorted((each for each in paths if each.suffix == ".ended"), key=_number)[-1:]
        included = [each.stem.partition("-")[2] for each in ended]
        living = (each for each in paths if each.suffix == ".living")
        return ended, [each for each in living if each.stem not in included]

    def _put(self, name: str, text: bytes) -> None:
        path = self._folder / name
        _unfinished(path).write_bytes(text)
        _unfinished(path).replace(path)


@contextmanager
def open_tallies() -> Iterator[Tallies | None]:
    """Tallies of a server that begins; None where no file can be written."""
    try:
        opened = TemporaryDirectory(prefix="livria-sse-", ignore_cleanup_errors=True)
    except OSError as error:
        logger.warning("/metrics tells of one worker only: %s", error)
        yield None
        return
    with opened as folder:
        tallies = Tallies(Path(folder))
        tallies.begin()
        yield tallies


def _unfinished(path: Path) -> Path:
    return path.with_name(f"{path.name}.unfinished")


def _number(ended: Path) -> int:
    return int(ended.stem.partition("-")[0])


def _summed(texts: Iterable[bytes], highest: Collection[str] = ()) -> list[Metric]:
    sums: dict[str, _Sum] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            join = max if family.name in highest else float.__add__
            sums.setdefault(family.name, _Sum(family, join)).add(family.samples)
    return [each.family() for each in sums.values()]


class _Sum:
    """A family of many tallies."""

    def __init__(self, first: Metric, join: Callable[[float, float], float]) -> None:
        self._first = first
        self._join = join
        self._values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def add(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            key = sample.name, tuple(sample.labels.items())
            known = self._values.get(key)
            value = float(sample.value)
            self._values[key] = value if known is None else self._join(known, value)

    def family(self) -> Metric:
        family = Metric(self._first.name, self._first.documentation, self._first.type)
        for (name, labels), value in self._values.items():
            family.add_sample(name, dict(labels), value)
        return family


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _text(families: list[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry)
