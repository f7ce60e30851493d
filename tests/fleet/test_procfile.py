"""The service as a platform runs it: by its Procfile, with what the platform sets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts import Curl, Person, PostgresCluster, RedisServer, ServerProcess
from tests.parts.ports import free_port

PROCFILE = Path(__file__).parents[2] / "Procfile"
BOOK = 10


def test_curl_through_a_procfile(tmp_path: Path, postgres: PostgresCluster) -> None:
    """`curl -N` shows a book live from the processes that honcho starts from the Procfile."""
    with (
        RedisServer(tmp_path / "redis") as redis,
        on_a_platform(tmp_path, postgres.create_database(), redis.url) as server,
        Person(server.url, "mina") as mina,
        Curl(f"{server.url}/sse/books/{BOOK}/") as stream,
    ):
        stream.until_event("stream.ready")
        posted = mina.post(BOOK, "live")
        told = stream.until_event("review.created")[-1]

        assert told.json["review"] == {k: v for k, v in posted.items() if k != "position"}
        assert told.last_event_id == posted["position"]
        while redis.calls("xadd") != 1:
            pass  # it is appended when the reader may have it already


@contextmanager
def on_a_platform(folder: Path, database_url: str, redis_url: str) -> Iterator[ServerProcess]:
    """Runs the release phase, and then two processes at a port that was chosen for them."""
    programs = Path(sys.executable).parent
    variables = folder / "variables"
    variables.write_text(
        f"PATH={programs}:/usr/bin:/bin\nDATABASE_URL={database_url}\nREDIS_URL={redis_url}\n"
        "WEB_CONCURRENCY=2\n"
    )
    start = ["honcho", "-f", str(PROCFILE), "-e", str(variables), "start"]
    server = ServerProcess(
        folder, port=free_port(), command=[*start, "web"], announced=False, database_url=""
    )
    release = [sys.executable, "-m", *start, "release"]
    subprocess.run(release, env=server.environment(), check=True, capture_output=True)
    with server:
        yield server
