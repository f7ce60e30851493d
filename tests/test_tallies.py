"""The tallies: what each worker of a server has counted, so that any of them can tell the sum."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from livria_sse.tallies import Tallies, open_tallies


def tally(opened: int, streams: int, lag: float = 0.0) -> bytes:
    """What a worker has counted."""
    return f"""\
# HELP livria_opened_total Opened.
# TYPE livria_opened_total counter
livria_opened_total{{mode="live"}} {opened}
livria_opened_total{{mode="reset"}} 1
# HELP livria_open Open.
# TYPE livria_open gauge
livria_open {streams}
# HELP livria_lag Lag.
# TYPE livria_lag gauge
livria_lag {lag}
# HELP livria_push_seconds Push.
# TYPE livria_push_seconds histogram
livria_push_seconds_bucket{{le="0.5"}} {opened}
livria_push_seconds_bucket{{le="+Inf"}} {opened + 1}
livria_push_seconds_count {opened + 1}
livria_push_seconds_sum 0.25
""".encode()


def summed(tallies: Tallies) -> dict[str, float]:
    """The sums; a sample is named by its name and its label."""
    families = text_string_to_metric_families(tallies.summed({"livria_lag"}).decode())
    samples = [sample for family in families for sample in family.samples]
    return {" ".join([each.name, *each.labels.values()]): each.value for each in samples}


@pytest.fixture
def tallies(tmp_path: Path) -> Tallies:
    """Tallies in which nobody has counted anything."""
    tallies = Tallies(tmp_path)
    tallies.begin()
    return tallies


def test_sum_of_nobody(tallies: Tallies) -> None:
    """Where nobody has counted anything, there is nothing."""
    assert summed(tallies) == {}


def test_sum_of_the_living(tallies: Tallies) -> None:
    """Counters, histograms and gauges are added up by their labels; of some gauges the highest."""
    tallies.tell(1, tally(opened=5, streams=2, lag=0.5))
    tallies.tell(2, tally(opened=7, streams=3, lag=0.25))
    assert summed(tallies) == {
        "livria_opened_total live": 12,
        "livria_opened_total reset": 2,
        "livria_open": 5,
        "livria_lag": 0.5,
        "livria_push_seconds_bucket 0.5": 12,
        "livria_push_seconds_bucket +Inf": 14,
        "livria_push_seconds_count": 14,
        "livria_push_seconds_sum": 0.5,
    }


def test_newest_tally_counts(tallies: Tallies) -> None:
    """What a worker tells takes the place of what it told before."""
    tallies.tell(1, tally(opened=5, streams=2))
    tallies.tell(1, tally(opened=6, streams=1))
    assert summed(tallies)["livria_opened_total live"] == 6


def test_sums_are_described(tallies: Tallies) -> None:
    """A sum says what it is, as each tally does."""
    tallies.tell(1, tally(opened=1, streams=1))
    text = tallies.summed(()).decode()
    assert "# HELP livria_opened_total Opened." in text
    assert "# TYPE livria_opened_total counter" in text
    assert "# TYPE livria_push_seconds histogram" in text


def test_counters_outlive_their_worker(tallies: Tallies) -> None:
    """Of workers that have ended, counters and histograms are kept, and gauges are not."""
    tallies.tell(1, tally(opened=5, streams=2, lag=9))
    tallies.tell(2, tally(opened=7, streams=3))
    tallies.tell(3, tally(opened=11, streams=4))
    tallies.end(1)
    tallies.end(3)
    numbers = summed(tallies)
    assert numbers["livria_opened_total live"] == 23
    assert numbers["livria_push_seconds_count"] == 26
    assert numbers["livria_open"] == 3
    assert numbers["livria_lag"] == 0


def test_worker_that_told_nothing(tallies: Tallies) -> None:
    """A worker that has ended before it told anything changes nothing."""
    tallies.tell(1, tally(opened=5, streams=2))
    tallies.end(2)
    assert summed(tallies)["livria_opened_total live"] == 5


def test_ended_workers_leave_no_files(tallies: Tallies, tmp_path: Path) -> None:
    """However many workers have ended, there is one file for them."""
    for process in range(1, 30):
        tallies.tell(process, tally(opened=1, streams=1))
        (tmp_path / f"{process}.living.unfinished").write_bytes(b"# HELP liv")  # it was killed
        tallies.end(process)
    assert len(list(tmp_path.iterdir())) == 1
    assert summed(tallies)["livria_opened_total live"] == 29


def test_sums_while_workers_end(tallies: Tallies) -> None:
    """Whoever looks while workers end counts each of them once, and always."""
    counted: list[float] = []
    for process in range(1, 60):
        tallies.tell(process, tally(opened=1, streams=1))
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            counted.append(summed(tallies)["livria_opened_total live"])

    looking = threading.Thread(target=look)
    looking.start()
    for process in range(1, 60):
        tallies.end(process)
    over.set()
    looking.join()
    assert set(counted) == {59}


def test_a_worker_is_not_counted_twice(tallies: Tallies, tmp_path: Path) -> None:
    """A worker whose file is still there when those that have ended include it counts once."""
    tallies.tell(1, tally(opened=5, streams=2))
    left = (tmp_path / "1.living").read_bytes()
    tallies.end(1)
    (tmp_path / "1.living").write_bytes(left)
    assert summed(tallies)["livria_opened_total live"] == 5


def test_folder_that_was_emptied(tallies: Tallies, tmp_path: Path) -> None:
    """Where somebody has thrown everything away, counting begins anew."""
    tallies.tell(1, tally(opened=5, streams=2))
    for path in tmp_path.iterdir():
        path.unlink()
    assert summed(tallies) == {}
    tallies.tell(1, tally(opened=6, streams=2))
    tallies.tell(2, tally(opened=7, streams=2))
    tallies.end(1)
    assert summed(tallies)["livria_opened_total live"] == 13
    assert summed(tallies)["livria_open"] == 2


def test_end_on_a_full_disk(
    tallies: Tallies, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker whose numbers cannot be kept is mentioned, and does not end its supervisor."""

    def full(_path: Path, _text: bytes) -> int:
        raise OSError(28, "No space left on device")

    tallies.tell(1, tally(opened=5, streams=2))
    monkeypatch.setattr(Path, "write_bytes", full)
    tallies.end(1)
    assert "worker 1" in caplog.text
    assert summed(tallies)["livria_opened_total live"] == 5


def test_folder_ends_with_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the tallies is there as long as the server is."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with open_tallies() as tallies:
        assert tallies
        assert summed(tallies) == {}
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_no_place_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that can write no files works all the same, and says what it lacks."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with open_tallies() as tallies:
        assert tallies is None
    assert "one worker only" in caplog.text
