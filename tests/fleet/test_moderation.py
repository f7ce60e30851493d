"""What becomes of a text that the staff has hidden, wherever it could be read."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.parts import Curl, Person, RedisServer, ServerProcess

BOOK, OTHER = 4, 5
TEXT = "nobody shall read this"


def test_hidden_texts_are_told_to_nobody(tmp_path: Path) -> None:
    """A hidden text is on no page, in no answer and on no stream, from wherever one asks."""
    with (
        RedisServer(tmp_path / "redis") as redis,
        ServerProcess(tmp_path, redis_url=redis.url) as server,
        Person(server.url, "mina") as mina,
        Person(server.url, "sora") as sora,
    ):
        server.make_staff("sora")
        before = mina.get(f"/api/books/{BOOK}/")["position"]
        review = mina.post(BOOK, TEXT)
        while redis.calls("xadd") != 1:
            pass
        verb = f"{server.url}/api/reviews/{review['id']}/hide/"
        hidden = httpx.post(verb, headers={"Authorization": f"Bearer {sora.token}"})
        head = hidden.raise_for_status().headers["Livria-Position"]

        elsewhere = mina.get(f"/api/books/{OTHER}/")["position"].rpartition("-")[2]
        for asked in (before, review["position"]):
            for query, last in (
                (f"{BOOK}/?last_event_id={asked}", head),
                (
                    f"?book={BOOK}&book={OTHER}&last_event_id={asked}.{elsewhere}",
                    f"{head}.{elsewhere}",
                ),
            ):
                with Curl(f"{server.url}/sse/books/{query}") as reader:
                    reader.until(last)
                    assert TEXT not in reader.frames
        for path in (
            *("/", f"/books/{BOOK}/", "/api/books/", f"/api/books/{BOOK}/"),
            f"/api/reviews/?book={BOOK}",
            f"/api/reviews/changes/?book={BOOK}&after={before}",
            f"/api/reviews/changes/?book={BOOK}&after={review['position']}",
            f"/api/books/changes/?book={BOOK}&after={before}",
        ):
            assert TEXT not in httpx.get(f"{server.url}{path}").raise_for_status().text
