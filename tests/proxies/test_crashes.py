"""Real proxies in front of two processes, one of which crashes."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from tests.fleet.fleet import open_fleet
from tests.parts import CHECKING_FIRST, Kind, ReverseProxy

#: Writers that may be answered 502, until it is known: Caddy 2.6 does not send a body to another.
MOST_FAILURES = {"caddy": 1}
#: Any proxy knows by then that a process is gone.
NOTICED_SECONDS = 3.0


@pytest.mark.parametrize("kind", CHECKING_FIRST)
def test_the_other_process_answers(tmp_path: Path, kind: Kind) -> None:
    """From the moment on when a process is gone, readers and writers are answered by the other.

    What may have come to the process that is gone is not asked again.
    """
    (tmp_path / "proxy").mkdir()
    with open_fleet(tmp_path, processes=2, trusted_proxies="127.0.0.1") as fleet:
        book, ports = fleet.new_book(), [server.port for server in fleet.servers]
        with (
            ReverseProxy(kind, tmp_path / "proxy", *ports) as proxy,
            httpx.Client(base_url=proxy.url, verify=False, timeout=30) as client,  # noqa: S501
        ):
            client.headers["Authorization"] = f"Bearer {fleet.token}"
            for _ in range(20):  # so that connections are kept to both
                assert client.get(f"/api/books/{book}/").is_success
            fleet.servers[0].kill()

            known = time.monotonic() + NOTICED_SECONDS
            statuses = Counter[int]()
            while time.monotonic() < known:
                assert client.get(f"/api/books/{book}/").status_code == 200
                written = {"book": book, "content": str(statuses.total())}
                statuses[client.post("/api/reviews/", json=written).status_code] += 1

            assert len(fleet.reviews(book)) == statuses[201] > 1
            assert statuses.total() - statuses[201] <= MOST_FAILURES.get(kind, 0)
