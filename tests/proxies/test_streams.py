"""Streams through real proxies, which compress and buffer whatever they can."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest
from tests.parts import Care, Curl, Kind, Person, ReverseProxy, ServerProcess
from tests.parts.missing import missing

BOOK = 5
#: Of a certificate that is nobody's; what is compressed is asked for.
HTTP2 = ("--insecure", "--compressed", "--http2")
#: How it may be spelt.
METRICS = [
    "/metrics",
    "/metrics/",
    "//metrics",
    "/%6Detrics",
    "/%6detrics/",
    "/metrics%2F",
    "/%2Fmetrics",
    "/./metrics",
    "/x/../metrics",
    "/metrics?x",
    "/metrics;x",
    "/METRICS",
]
HTTP1 = ("--insecure", "--compressed", "--http1.1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose heartbeats come too late to push anything through a buffer."""
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, heartbeat_seconds="30") as server:
        yield server


@pytest.fixture(scope="module")
def proxy(
    kind: Kind, care: Care, server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReverseProxy]:
    """A proxy in front of the server."""
    with ReverseProxy(kind, tmp_path_factory.mktemp(kind), server.port, care=care) as proxy:
        yield proxy


@pytest.mark.parametrize("options", [HTTP1, HTTP2], ids=["HTTP/1.1", "HTTP/2"])
def test_events_pass_at_once(proxy: ReverseProxy, mina: Person, options: tuple[str, ...]) -> None:
    """The first frame and every event come through before anything else pushes them."""
    with Curl(f"{proxy.url}/sse/books/{BOOK}/", options=options) as stream:
        stream.until_event("stream.ready")
        for number in range(5):
            stream.until(mina.post(BOOK, f"review {number}")["position"])

    assert [event.type for event in stream.events] == ["stream.ready"] + ["review.created"] * 5


@pytest.mark.long
@pytest.mark.parametrize("options", [HTTP1, HTTP2], ids=["HTTP/1.1", "HTTP/2"])
def test_events_pass_in_time(proxy: ReverseProxy, mina: Person, options: tuple[str, ...]) -> None:
    """The first frame and every event come within 200 ms, from before the POST to the reader."""
    seconds = []
    with Curl(f"{proxy.url}/sse/books/{BOOK}/", options=options) as stream:
        began = time.monotonic()
        stream.until_event("stream.ready")
        seconds.append(time.monotonic() - began)
        for number in range(20):
            began = time.monotonic()
            stream.until(mina.post(BOOK, f"review {number}")["position"])
            seconds.append(time.monotonic() - began)

    assert max(seconds) < 0.2


def test_positions_pass(proxy: ReverseProxy, mina: Person) -> None:
    """Who comes back with the position of their last event gets what they missed."""
    seen = mina.post(BOOK, "seen")["position"]
    missed = mina.post(BOOK, "missed")["position"]
    address = f"{proxy.url}/sse/books/{BOOK}/"
    with Curl(address, f"Last-Event-ID: {seen}", options=HTTP2) as stream:
        stream.until(missed)

    assert [event.type for event in stream.events] == ["stream.ready", "review.created"]
    assert stream.events[0].json["mode"] == "resumed"


def test_reviews_pass(proxy: ReverseProxy, mina: Person) -> None:
    """Reviews are posted through the proxy as well as to the server."""
    headers = {"Authorization": f"Bearer {mina.token}"}
    with httpx.Client(base_url=proxy.url, verify=False, headers=headers) as client:  # noqa: S501
        answer = client.post("/api/reviews/", json={"book": BOOK, "content": "through"})

        assert answer.status_code == 201
        assert (
            client.get(f"/api/books/{BOOK}/").json()["reviews"][0]
            == mina.get(f"/api/books/{BOOK}/")["reviews"][0]
        )
        large = {"book": BOOK, "content": "x" * 70_000}
        assert client.post("/api/reviews/", json=large).status_code == 413


@pytest.mark.parametrize("path", METRICS)
def test_metrics_stay_inside(proxy: ReverseProxy, care: Care, path: str) -> None:
    """What operators are told is told to nobody outside, where the proxy is set up as we advise."""
    curl = shutil.which("curl") or missing("curl")
    address = f"{proxy.url}{path}"
    answer = subprocess.check_output([curl, "-sk", "--path-as-is", address], text=True)

    if path == "/metrics":
        assert ("livria_streams_open" in answer) == (care == "careless")
    elif care == "advised":
        assert "livria_streams_open" not in answer
