"""Changes and differences as Redis carries them: JSON, each review as the outside sees it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from livria_sse.documents import ReviewDocument, review_json
from livria_sse.models import Change, Difference, Review, Tombstone, User

#: A doorbell that would say more bytes than this only says where the book stands: what is published
#: waits in Redis's memory for every process that listens.
LONGEST_BELL = 64 * 1024


def entry(change: Change) -> str:
    """A change as an entry, which does not tell its seq."""
    if isinstance(change, Review):
        told = f'"review":{review_json(change)},"shown_seq":{change.shown_seq}'
    else:
        told = f'"review_id":{change.id}'
    return f'{{{told},"created_seq":{change.created_seq}}}'


def change_of(entry: str | bytes, seq: int) -> Change:
    """The change in an entry.

    Raises:
        ValueError: It is none of ours.
    """
    return _change(json.loads(entry), seq)


def bell(difference: Difference, entries: Sequence[str]) -> str:
    """What a doorbell says of a difference whose changes are these entries."""
    listed = ",".join(
        f"[{change.seq},{text}]" for change, text in zip(difference.changes, entries, strict=True)
    )
    if len(listed.encode()) > LONGEST_BELL:
        return _bell(difference, after=difference.head, listed="")
    return _bell(difference, after=difference.after, listed=listed)


def heard(said: bytes, book_id: int) -> Difference:
    """The difference that a doorbell told.

    Raises:
        ValueError: It is none of ours.
    """
    try:
        after, head, review_count, changes = json.loads(said)
        return Difference(
            book_id=book_id,
            after=int(after),
            head=int(head),
            review_count=int(review_count),
            changes=tuple(_change(told, int(seq)) for seq, told in changes),
        )
    except (TypeError, RecursionError) as error:
        raise ValueError from error


def _bell(difference: Difference, *, after: int, listed: str) -> str:
    return f"[{after},{difference.head},{difference.review_count},[{listed}]]"


def _change(told: Any, seq: int) -> Change:
    try:
        created_seq = int(told["created_seq"])
        if "review" in told:
            # Processes of before there was moderation do not tell it.
            shown_seq = int(told.get("shown_seq", created_seq))
            return _review(told["review"], created_seq, shown_seq, seq)
        return Tombstone(id=int(told["review_id"]), created_seq=created_seq, seq=seq)
    except (KeyError, TypeError) as error:
        raise ValueError from error


def _review(document: ReviewDocument, created_seq: int, shown_seq: int, seq: int) -> Review:
    return Review(
        id=document["id"],
        book_id=document["book"],
        user=User(**document["user"]),
        content=document["content"],
        created_at=datetime.fromisoformat(document["created_at"]),
        updated_at=datetime.fromisoformat(document["updated_at"]),
        created_seq=created_seq,
        shown_seq=shown_seq,
        seq=seq,
    )
