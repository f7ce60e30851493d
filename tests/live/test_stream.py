"""The stream as `curl -N` shows it, from a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.live.conftest import Serve
from tests.parts import Curl, Person, ServerProcess, plain_uvicorn
from tests.replica import Replica
from tests.sse import EventReader

#: A book that every server begins with.
SAMPLE = 10


@pytest.fixture(scope="module", params=[ServerProcess, plain_uvicorn])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Both ways of pushing, in the quick suite too: what every stream is must be the same."""
    way: Serve = request.param
    return way


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, serve: Serve) -> Iterator[ServerProcess]:
    """One server for all streams here; each test has a book of its own."""
    with serve(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def curl(server: ServerProcess, book: int) -> Iterator[object]:
    """Opens streams of the book; closes them all."""
    with ExitStack() as stack:

        def open_stream(query: str = "", *headers: str) -> Curl:
            url = f"{server.url}/sse/books/{book}/{query}"
            return stack.enter_context(Curl(url, *headers))

        yield open_stream


Open = Callable[..., Curl]


def test_no_position_is_live(server: ServerProcess, mina: Person, curl: Open, book: int) -> None:
    """Without a position a stream begins at the head and tells what happens from then on."""
    mina.post(book, "before")
    stream = curl()
    (ready,) = stream.until_event("stream.ready")

    after = mina.post(book, "after")

    _, created = stream.until(after["position"])
    assert ready.json["mode"] == "live"
    assert ready.json["review_count"] == 1
    assert ready.json["position"] == ready.json["head"] == ready.last_event_id
    assert created.type == "review.created"
    assert created.json["review"]["content"] == "after"


def test_head_of_a_stream(server: ServerProcess, curl: Open) -> None:
    """The status line and headers are those that keep proxies from holding events back."""
    stream = curl()
    stream.until_event("stream.ready")

    assert stream.head.startswith("http/1.1 200 ok")
    for header in (
        "content-type: text/event-stream; charset=utf-8",
        "cache-control: no-store, no-transform",
        "x-accel-buffering: no",
        "x-content-type-options: nosniff",
    ):
        assert header in stream.head


def test_bytes_of_a_stream(server: ServerProcess, mina: Person, curl: Open, book: int) -> None:
    """A stream is, byte by byte, what the design shows."""
    before = mina.get(f"/api/books/{book}/")["position"]
    stream = curl(f"?last_event_id={before}")
    stream.until_event("stream.ready")

    review = mina.post(book, "좋은 책")
    gone = mina.delete(review["id"])

    stream.until(gone)
    position = review.pop("position")
    document = json.dumps(review, ensure_ascii=False, separators=(",", ":"))
    retry = re.search(r"^retry: (\d+)$", stream.frames, re.MULTILINE)
    assert retry
    assert 1500 <= int(retry[1]) <= 2500
    assert stream.frames == (
        f": livria-sse book={book} from={before} head={before} mode=resumed\n"
        f"retry: {retry[1]}\n"
        "event: stream.ready\n"
        f'data: {{"type":"stream.ready","book":{book},"mode":"resumed",'
        f'"position":"{before}","head":"{before}","review_count":0}}\n'
        f"id: {before}\n"
        "\n"
        "event: review.created\n"
        f'data: {{"type":"review.created","book":{book},"position":"{position}",'
        f'"review_count":1,"review":{document}}}\n'
        f"id: {position}\n"
        "\n"
        "event: review.deleted\n"
        f'data: {{"type":"review.deleted","book":{book},"position":"{gone}",'
        f'"review_count":0,"review_id":{review["id"]}}}\n'
        f"id: {gone}\n"
        "\n"
    )


def test_position_zero_streams_all(
    server: ServerProcess, mina: Person, curl: Open, book: int
) -> None:
    """From seq 0 a stream begins with the whole set as it is now, and stays live."""
    epoch = mina.get(f"/api/books/{book}/")["position"].partition("-")[0]
    first = mina.post(book, "first")
    mina.post(book, "second")
    head = mina.edit(first["id"], "first, edited")["position"]

    stream = curl(f"?last_event_id={epoch}-0")

    ready, second, edited = stream.until(head)
    assert ready.json["mode"] == "resumed"
    assert (second.type, second.json["review"]["content"]) == ("review.created", "second")
    assert (edited.type, edited.json["review"]["content"]) == ("review.created", "first, edited")
    live = mina.post(book, "third")
    assert stream.until(live["position"])[-1].json["review"]["content"] == "third"


def test_created_and_edited_is_created(
    server: ServerProcess, mina: Person, curl: Open, book: int
) -> None:
    """A review that came and was edited after the position is created once, as it reads now."""
    position = mina.post(book, "known")["position"]
    review = mina.post(book, "draft")
    head = mina.edit(review["id"], "final")["position"]

    stream = curl("", f"Last-Event-ID: {position}")

    _, created = stream.until(head)
    assert (created.type, created.json["review"]["content"]) == ("review.created", "final")
    assert "draft" not in stream.frames


def test_created_and_deleted_is_an_id(
    server: ServerProcess, mina: Person, curl: Open, book: int
) -> None:
    """A review that came and went after the position is nothing but a new id."""
    position = mina.post(book, "known")["position"]
    head = mina.delete(mina.post(book, "secret")["id"])

    stream = curl("", f"Last-Event-ID: {position}")

    (ready,) = stream.until(head)
    assert ready.type == "stream.ready"
    assert stream.frames.endswith(f"\n\nid: {head}\n\n")
    assert "secret" not in stream.frames


def test_edited_is_updated(server: ServerProcess, mina: Person, curl: Open, book: int) -> None:
    """A review that the reader knew and that was edited is updated."""
    review = mina.post(book, "old text")
    head = mina.edit(review["id"], "new text")["position"]

    stream = curl("", f"Last-Event-ID: {review['position']}")

    _, updated = stream.until(head)
    assert (updated.type, updated.json["review"]["content"]) == ("review.updated", "new text")
    assert "old text" not in stream.frames


def test_deleted_is_deleted(server: ServerProcess, mina: Person, curl: Open, book: int) -> None:
    """A review that the reader knew and that was deleted is deleted, without its text."""
    review = mina.post(book, "old text")
    head = mina.delete(review["id"])

    stream = curl("", f"Last-Event-ID: {review['position']}")

    _, deleted = stream.until(head)
    assert deleted.type == "review.deleted"
    assert deleted.json["review_id"] == review["id"]
    assert deleted.json["review_count"] == 0
    assert "old text" not in stream.frames


def test_ids_inside_a_difference(
    server: ServerProcess, mina: Person, curl: Open, book: int
) -> None:
    """Every frame can be gone on from: it carries the position of its change."""
    known = [mina.post(book, f"known {number}") for number in range(2)]
    position = known[-1]["position"]
    new = [mina.post(book, f"new {number}") for number in range(3)]
    for review in known:
        mina.edit(review["id"], "edited")
    head = mina.edit(new[0]["id"], "new, edited")["position"]

    events = curl("", f"Last-Event-ID: {position}").until(head)

    assert [event.type for event in events[1:]] == [
        *["review.created"] * 2,
        *["review.updated"] * 2,
        "review.created",
    ]
    assert [event.last_event_id for event in events] == [event.json["position"] for event in events]
    assert [event.last_event_id for event in events[1:3]] == [
        review["position"] for review in new[1:]
    ]


def test_a_cut_inside_a_difference(
    server: ServerProcess, mina: Person, curl: Open, book: int
) -> None:
    """A new review that is deleted after a cut in the middle does not stay with the reader."""
    position = mina.post(book, "known")["position"]
    ghost = mina.post(book, "ghost")
    head = mina.post(book, "kept")["position"]
    whole = curl("", f"Last-Event-ID: {position}")
    whole.until(head)
    cut = whole.frames.index('"kept"')
    replica = Replica()
    replica.feed(whole.frames[:cut].encode())
    assert "ghost" in replica.reviews.values()

    head = mina.delete(ghost["id"])
    rest = curl("", f"Last-Event-ID: {replica.last_event_id}")
    rest.until(head)
    replica.connected()
    replica.feed(rest.frames.encode())

    assert list(replica.reviews.values()) == ["kept"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("zzzzz-1", "epoch"),
        ("{epoch}-999999", "ahead"),
        ("garbage", "malformed"),
        ("{epoch}--1", "malformed"),
        ("{epoch}-1-1", "malformed"),
        ("x" * 5000, "malformed"),
        ("{epoch}-" + "9" * 5000, "malformed"),
        ("{epoch}-1; DROP TABLE reviews", "malformed"),
        ("\u0661", "malformed"),
    ],
)
def test_positions_that_mean_nothing(
    server: ServerProcess, mina: Person, curl: Open, asked: str, reason: str, book: int
) -> None:
    """A position that cannot be resumed from is answered by a reset, which carries the head."""
    head = mina.post(book, "known")["position"]
    position = asked.format(epoch=head.partition("-")[0])

    stream = curl("", f"Last-Event-ID: {position}")

    ready, reset = stream.until_event("stream.reset")
    assert "200 ok" in stream.head
    assert (ready.json["mode"], ready.last_event_id) == ("reset", "")
    assert (reset.json["reason"], reset.last_event_id) == (reason, head)
    live = mina.post(book, "after")
    assert stream.until(live["position"])[-1].json["review"]["content"] == "after"


def test_header_wins_over_query(server: ServerProcess, mina: Person, curl: Open, book: int) -> None:
    """`Last-Event-ID` is newer than what the page once wrote into the address."""
    old = mina.post(book, "one")["position"]
    new = mina.post(book, "two")["position"]

    (ready,) = curl(f"?last_event_id={old}", f"Last-Event-ID: {new}").until(new)
    (spelled,) = curl(f"?lastEventId={new}").until(new)

    assert ready.json["position"] == spelled.json["position"] == new


def test_padding(server: ServerProcess, mina: Person, curl: Open, book: int) -> None:
    """A stream can be asked for with 2 KiB of comment in front, and is no other behind it."""
    position = mina.post(book, "before")["position"]
    stream = curl("?pad=1")
    stream.until(position)
    plain = curl()
    plain.until(position)

    comment, _, rest = stream.frames.partition("\n")
    assert comment == ":" + " " * 2046
    assert rest.partition("retry:")[0] == plain.frames.partition("retry:")[0]
    assert stream.events == plain.events


def test_larger_differences_are_reset(tmp_path: Path, serve: Serve) -> None:
    """A difference of more changes than the replay limit is a reset, one of just as many is not."""
    with serve(tmp_path, replay_limit="2") as server, Person(server.url, "mina") as mina:
        start = mina.get(f"/api/books/{SAMPLE}/")["position"]
        one = mina.post(SAMPLE, "one")["position"]
        mina.post(SAMPLE, "two")
        head = mina.post(SAMPLE, "three")["position"]
        stream = f"{server.url}/sse/books/{SAMPLE}/"

        with Curl(f"{stream}?last_event_id={start}") as too_far:
            assert too_far.until_event("stream.reset")[-1].json["reason"] == "too_large"
        with Curl(f"{stream}?last_event_id={one}") as far:
            assert [event.type for event in far.until(head)[1:]] == ["review.created"] * 2


def test_longer_differences_are_reset(tmp_path: Path, serve: Serve) -> None:
    """A difference of more bytes of text than may be replayed is a reset; what is live is not."""
    with serve(tmp_path, replay_bytes="30") as server, Person(server.url, "mina") as mina:
        start = mina.get(f"/api/books/{SAMPLE}/")["position"]
        stream = f"{server.url}/sse/books/{SAMPLE}/"
        with Curl(stream) as live:
            live.until_event("stream.ready")
            one = mina.post(SAMPLE, "책" * 11)["position"]
            head = mina.post(SAMPLE, "책" * 10)["position"]
            assert [event.type for event in live.until(head)[1:]] == ["review.created"] * 2

        with Curl(f"{stream}?last_event_id={start}") as too_far:
            assert too_far.until_event("stream.reset")[-1].json["reason"] == "too_large"
        with Curl(f"{stream}?last_event_id={one}") as far:
            assert [event.type for event in far.until(head)[1:]] == ["review.created"]


def test_text_is_data_only(server: ServerProcess, mina: Person, curl: Open, book: int) -> None:
    """What looks like a frame in a review is only text."""
    stream = curl()
    stream.until_event("stream.ready")

    posted = mina.post(book, "x\r\nevent: admin\r\ndata: y")

    _, created = stream.until(posted["position"])
    assert created.type == "review.created"
    assert created.json["review"]["content"] == "x\nevent: admin\ndata: y"


def test_unknown_books_are_404(server: ServerProcess) -> None:
    """A stream of a book that is not there is a 404 problem: giving up is right."""
    for book in ("999", "0", "abc", "9" * 4000, "-1", "1.5"):
        answer = httpx.get(f"{server.url}/sse/books/{book}/")

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_head_ends_at_once(server: ServerProcess, book: int) -> None:
    """HEAD on a stream answers its headers and leaves no stream behind."""
    answer = httpx.head(f"{server.url}/sse/books/{book}/")

    assert answer.headers["content-type"].startswith("text/event-stream")
    while "livria_streams_open 0.0" not in httpx.get(f"{server.url}/metrics").text:
        pass  # streams of tests before are still being noticed to be gone


def test_full_servers_are_busy(tmp_path: Path, serve: Serve) -> None:
    """A server with no room answers 200, a long pause and an end: EventSource comes back."""
    with (
        serve(tmp_path, max_streams="1") as server,
        Curl(f"{server.url}/sse/books/{SAMPLE}/") as first,
    ):
        first.until_event("stream.ready")

        answer = httpx.get(f"{server.url}/sse/books/{SAMPLE}/")

        reader = EventReader()
        (busy,) = reader.feed(answer.content)
        assert answer.status_code == 200
        assert busy.type == "stream.busy"
        assert reader.retry
        assert 10_000 <= reader.retry <= 30_000


def test_greedy_addresses_are_busy(tmp_path: Path, serve: Serve) -> None:
    """One address cannot take all streams, whatever it forwards; others, and POSTs, are served."""
    with (
        serve(tmp_path, max_streams_per_address="1") as server,
        Person(server.url, "mina") as mina,
        ExitStack() as streams,
    ):

        def open_stream(forwarded: str, first: str) -> Curl:
            url = f"{server.url}/sse/books/{SAMPLE}/"
            stream = streams.enter_context(Curl(url, f"X-Forwarded-For: {forwarded}"))
            stream.until_event(first)
            return stream

        open_stream("1.1.1.1, 203.0.113.9", "stream.ready")
        open_stream("2.2.2.2, 203.0.113.9", "stream.busy")
        other = open_stream("198.51.100.7", "stream.ready")
        other.until(mina.post(SAMPLE, "served")["position"])

        assert 'livria_streams_refused_total{limit="address"} 1.0' in _metrics(server)


def test_streams_for_other_origins(tmp_path: Path, serve: Serve) -> None:
    """A page of a listed origin may read a stream, cookies or not; one of another gets none."""
    listed = "https://livria.example"
    url = f"/sse/books/{SAMPLE}/"
    with (
        serve(tmp_path, allowed_origins=listed) as server,
        Curl(f"{server.url}{url}", f"Origin: {listed}") as stream,
        Curl(f"{server.url}{url}", f"Origin: {server.url}") as ours,
    ):
        stream.until_event("stream.ready")
        ours.until_event("stream.ready")
        other = httpx.get(f"{server.url}{url}", headers={"Origin": "https://evil.example"})

        assert f"access-control-allow-origin: {listed}" in stream.head
        assert "access-control-allow-credentials: true" in stream.head
        assert "access-control-allow-origin" not in ours.head
        assert other.status_code == 403
        assert "access-control-allow-origin" not in other.headers
        assert "livria_streams_open 2.0" in _metrics(server)


#: What browsers say of that which a page of another site embeds, besides `Sec-Fetch-Site`.
EMBEDDED = [
    {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"},
]


def test_streams_are_not_embedded(tmp_path: Path, serve: Serve) -> None:
    """What a page of another site embeds takes no place; who follows its link sees the stream."""
    with serve(tmp_path) as server:
        for url in (f"/sse/books/{SAMPLE}/", f"/sse/books/?book={SAMPLE}"):
            for said in EMBEDDED:
                headers = {"Sec-Fetch-Site": "cross-site", **said}
                answer = httpx.get(f"{server.url}{url}", headers=headers)
                assert answer.status_code == 403
                assert answer.json()["detail"] == "The request comes from another site."
            link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document")
            ours = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: empty")
            with (
                Curl(f"{server.url}{url}", *link) as tab,
                Curl(f"{server.url}{url}", *ours) as page,
            ):
                tab.until_event("stream.ready")
                page.until_event("stream.ready")
        opened = 'livria_streams_opened_total{mode="live"} 4.0'
        assert opened in _metrics(server)


def test_what_became_of_streams(tmp_path: Path, serve: Serve) -> None:
    """How streams began, and why they ended, is in the metrics."""
    with serve(tmp_path) as server:
        position = httpx.get(f"{server.url}/api/books/{SAMPLE}/").json()["position"]
        with Curl(f"{server.url}/sse/books/{SAMPLE}/?last_event_id={position}") as stream:
            stream.until_event("stream.ready")
        while 'livria_streams_closed_total{reason="left"} 1.0' not in _metrics(server):
            pass

        assert 'livria_streams_opened_total{mode="resumed"} 1.0' in _metrics(server)


def _metrics(server: ServerProcess) -> str:
    return httpx.get(f"{server.url}/metrics").text


def test_heartbeats_move_nothing(tmp_path: Path, serve: Serve) -> None:
    """A quiet stream gets heartbeats that scripts can see and that carry no id."""
    with (
        serve(tmp_path, heartbeat_seconds="1") as server,
        Curl(f"{server.url}/sse/books/{SAMPLE}/") as stream,
    ):
        ready, heartbeat = stream.until_event("stream.heartbeat")

        assert heartbeat.json == {"type": "stream.heartbeat", "interval": 1}
        assert heartbeat.last_event_id == ready.last_event_id
        assert stream.frames.endswith(
            '\nevent: stream.heartbeat\ndata: {"type":"stream.heartbeat","interval":1}\n\n'
        )


def test_signs_of_life_may_be_asked_for(tmp_path: Path, serve: Serve) -> None:
    """Who asks for signs of life more often has comments between heartbeats, which move nothing."""
    with (
        serve(tmp_path, heartbeat_seconds="30") as server,
        Curl(f"{server.url}/sse/books/{SAMPLE}/", "Livria-Heartbeat: 1") as stream,
    ):
        while not stream.frames.endswith("\n\n:\n"):
            stream.read()

        assert [event.type for event in stream.events] == ["stream.ready"]


def test_old_streams_end_cleanly(tmp_path: Path, serve: Serve) -> None:
    """A stream that has reached its age ends with its last chunk, and its reader resumes."""
    with serve(tmp_path, stream_seconds="1", heartbeat_seconds="1") as server:
        answer = httpx.get(f"{server.url}/sse/books/{SAMPLE}/", timeout=20)

        reader = EventReader()
        assert next(iter(reader.feed(answer.content))).type == "stream.ready"
        assert reader.last_event_id
