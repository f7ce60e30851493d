"""What a proxy says as long as there is no server behind it."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.parts.part import Part


class BadGateway(Part):
    """Answers 502 to everybody, on loopback."""

    def start(self) -> None:
        """Listens at a free port."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusal)
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Listens no more."""
        self._server.shutdown()
        self._server.server_close()


class _Refusal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(502)

    def log_message(self, *_: object) -> None:
        pass
