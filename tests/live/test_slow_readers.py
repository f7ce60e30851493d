"""Readers who stop reading, on real sockets."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
from tests.live.conftest import Serve
from tests.parts import Person, ServerProcess, plain_uvicorn

BOOK = 8
#: More than the buffers of both kernels hold.
POSTS = 400
TEXT = "가" * 5_000
#: What is said when a reader is cut off. ASGI knows no other way than to return too early, which
#: uvicorn mentions.
CUT_OFF = {
    ServerProcess: "reason=slow",
    plain_uvicorn: "ASGI callable returned without completing response",
}


def test_a_stalled_reader_is_cut_off(serve: Serve, tmp_path: Path) -> None:
    """Who takes nothing for the send timeout is cut off with one line in the log, alone."""
    with (
        serve(tmp_path, heartbeat_seconds="1", send_seconds="1") as server,
        Person(server.url, "mina") as mina,
        socket.socket() as stalled,
        httpx.stream("GET", f"{server.url}/sse/books/{BOOK}/", timeout=60) as reading,
    ):
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", server.port))
        stalled.sendall(b"GET /sse/books/%d/ HTTP/1.1\r\nHost: x\r\n\r\n" % BOOK)
        pieces = reading.iter_bytes()
        received = next(pieces)
        for _ in range(POSTS):
            position = mina.post(BOOK, TEXT)["position"]
            while f"id: {position}\n".encode() not in received[-2 * len(TEXT.encode()) :]:
                received += next(pieces)
        while "livria_streams_open 1.0" not in httpx.get(f"{server.url}/metrics").text:
            received += next(pieces)  # a heartbeat a second, for who still reads

        assert received.count(b"event: review.created") == POSTS
        log = server.log.read_text()
        assert log.count(CUT_OFF[serve]) == 1
        assert ("ERROR" in log) == (serve is not ServerProcess)
        assert "Traceback" not in log
        if serve is ServerProcess:  # an application cannot drop what uvicorn still wants to send
            assert server.connections() == 2  # that of the reader and that of the writer
