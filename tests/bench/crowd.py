"""The load: many readers and a few who post, in one process that does little else.

It knows no framing: what it counts are the names of events, which a review cannot contain.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Connections that are opened before their answers are awaited.
BATCH = 100
#: A measurement that takes longer than this has failed.
LONGEST_SECONDS = 120.0
MARK = b"event: review.created"


class Crowd:
    """Readers with open streams, and connections on which reviews are posted."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._epoll = select.epoll()
        self._readers: dict[int, socket.socket] = {}
        self._posters: dict[int, Poster] = {}
        #: Copies of reviews that have come.
        self.copies = 0
        self._begun = 0

    def close(self) -> None:
        """Leaves."""
        for connection in self._readers.values():
            connection.close()
        for poster in self._posters.values():
            poster.connection.close()
        self._epoll.close()

    def open_readers(self, targets: list[str]) -> None:
        """Opens a stream for each target, and waits until all have begun."""
        for start in range(0, len(targets), BATCH):
            for target in targets[start : start + BATCH]:
                connection = self._connect()
                connection.sendall(f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
                self._readers[connection.fileno()] = connection
            expected = min(start + BATCH, len(targets))
            self.wait(lambda expected=expected: self._begun >= expected)  # type: ignore[misc]

    def add_posters(self, count: int, request: Callable[[int], bytes]) -> list[Poster]:
        """Connections on which requests can be sent, made from a number."""
        posters = [Poster(self._connect(), request) for _ in range(count)]
        self._posters |= {poster.connection.fileno(): poster for poster in posters}
        return posters

    def wait(self, condition: Callable[[], bool]) -> None:
        """Reads what comes until a condition holds."""
        deadline = time.perf_counter() + LONGEST_SECONDS
        while not condition():
            if time.perf_counter() > deadline:
                raise TimeoutError
            self.turn(0.05)

    def turn(self, seconds: float) -> None:
        """Reads what is there, or waits for it so long."""
        for number, _ in self._epoll.poll(max(0.0, seconds)):
            if poster := self._posters.get(number):
                poster.read()
            else:
                data = self._readers[number].recv(262_144)
                self._begun += data.startswith(b"HTTP/1.1 200")
                self.copies += data.count(MARK)

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._epoll.register(connection, select.EPOLLIN)
        return connection


class Poster:
    """Somebody who posts one review after the other."""

    def __init__(self, connection: socket.socket, request: Callable[[int], bytes]) -> None:
        self.connection = connection
        self._request = request
        self.idle = True
        self.accepted = 0

    def post(self, number: int) -> None:
        """Sends a request."""
        self.idle = False
        self.connection.sendall(self._request(number))

    def read(self) -> None:
        """Reads an answer, whose head and body may come apart."""
        for answer in self.connection.recv(65_536).split(b"HTTP/1.1 ")[1:]:
            assert answer.startswith(b"201"), answer
            self.accepted += 1
            self.idle = True


@contextmanager
def crowd(port: int) -> Iterator[Crowd]:
    """A crowd, as long as it is entered."""
    those = Crowd(port)
    try:
        yield those
    finally:
        those.close()
