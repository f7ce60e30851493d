"""How large a request may be for our own server, and of how many parts: all of it is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.live.sockets import GET, POST, answer, connected
from tests.parts import ServerProcess

SMALL: dict[str, Any] = {
    "max_head_bytes": "1024",
    "max_headers": "20",
    "max_target_bytes": "256",
    "max_query_fields": "3",
    "max_body_bytes": "1024",
    "max_body_pieces": "3",
    "max_waiting_requests": "1",
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server as it comes."""
    with ServerProcess(tmp_path_factory.mktemp("usual")) as server:
        yield server


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that takes only small requests."""
    with ServerProcess(tmp_path_factory.mktemp("strict"), **SMALL) as server:
        yield server


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without limits, whatever they are."""
    folder = tmp_path_factory.mktemp("lenient")
    with ServerProcess(folder, limits="off", **SMALL) as server:
        yield server


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that takes bodies of 4 MiB."""
    with ServerProcess(tmp_path_factory.mktemp("roomy"), max_body_bytes="4194304") as server:
        yield server


def of_size(part: str, size: int) -> bytes:
    """A request that is large in one way."""
    get = GET % b"/healthz?%b" % (b"x" * (size if part == "target" else 0))
    close = b"Connection: close\r\n"
    chunks = b"1\r\na\r\n" * size + b"0\r\n\r\n"
    return {
        "head": get + close + b"Cookie: " + b"x" * size + b"\r\n\r\n",
        "headers": get + close + b"a:\r\n" * size + b"\r\n",
        "target": get + close + b"\r\n",
        "fields": GET % (b"/healthz?" + b"&" * size) + close + b"\r\n",
        "body": POST + close + b"Content-Length: %d\r\n\r\n" % size + b"x" * size,
        "pieces": POST + close + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        "waiting": (get + b"\r\n") * size + get + close + b"\r\n",
    }[part]


@pytest.mark.parametrize(
    ("part", "size", "refusal"),
    [
        ("head", 1_100, b" 431 "),
        ("headers", 25, b" 431 "),
        ("target", 300, b" 414 "),
        ("fields", 4, b" 414 "),
        ("body", 1_100, b"Use at most 1024 bytes."),
        ("pieces", 4, b"its body comes in too many pieces"),
    ],
)
def test_sizes_are_settings(
    usual: ServerProcess, strict: ServerProcess, part: str, size: int, refusal: bytes
) -> None:
    """What a request may have at most an operator can choose."""
    received = []
    for each in (usual, strict):
        with connected(each) as connection:
            connection.sendall(of_size(part, size))
            received.append(answer(connection))

    assert [refusal in each for each in received] == [False, True]


def test_how_many_wait_is_a_setting(usual: ServerProcess, strict: ServerProcess) -> None:
    """So is how many requests may wait on a connection."""
    for server, number, answered in ((usual, 4, 5), (strict, 1, 2)):
        with connected(server) as connection:
            connection.sendall(of_size("waiting", number))
            assert answer(connection).count(b"HTTP/1.1 200 ") == answered
    with connected(strict) as connection:
        connection.sendall(of_size("waiting", 2))
        assert answer(connection).count(b"HTTP/1.1 200 ") < 2


@pytest.mark.parametrize(
    ("part", "size", "expected"),
    [
        ("head", 30_000, b" 200 "),
        ("headers", 1_000, b" 200 "),
        ("target", 10_000, b" 200 "),
        ("fields", 1_000, b" 200 "),
        ("body", 100_000, b"not valid JSON"),
        ("pieces", 3_000, b"not valid JSON"),
        ("waiting", 50, b" 200 "),
    ],
)
def test_sizes_may_have_no_limit(
    lenient: ServerProcess, part: str, size: int, expected: bytes
) -> None:
    """Without limits a request may be larger than any that is taken otherwise."""
    with connected(lenient) as connection:
        connection.sendall(of_size(part, size))

        assert answer(connection).count(expected) == (51 if part == "waiting" else 1)


def test_pieces_of_large_bodies(roomy: ServerProcess) -> None:
    """Pieces as networks bring them are not counted, so that a large body may have any number."""
    head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"200\r\n" + b"x" * 512 + b"\r\n"
    with connected(roomy) as connection:
        connection.sendall(head + chunk * 5_000 + b"0\r\n\r\n")

        assert b"not valid JSON" in answer(connection)


@pytest.mark.parametrize("declared", [6_000_000, 100_000_000])
def test_large_bodies_of_a_large_limit(roomy: ServerProcess, declared: int) -> None:
    """A body that declares to be larger is refused, however large the limit, and others are not."""
    with connected(roomy) as connection:
        connection.sendall(GET % b"/" + b"Content-Length: %d\r\n\r\n" % declared)

        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    with connected(roomy) as connection:
        body = b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
        connection.sendall(GET % b"/healthz" + body)

        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
