"""The names that a book has in Redis.

The epoch is in each, so that nothing of another life of the database is ever read. What is in
braces decides the slot in a Redis Cluster: all names of a book are in one.
"""

from __future__ import annotations


def log_key(epoch: str, book_id: int) -> str:
    """The stream of the book's newest changes."""
    return f"livria:{{{epoch}:{book_id}}}:log"


def index_key(epoch: str, book_id: int) -> str:
    """The hash of where in the log the latest change of each review is."""
    return f"livria:{{{epoch}:{book_id}}}:index"


def viewers_channel(epoch: str) -> str:
    """Where all processes tell each other how many read which books."""
    return f"livria:{{{epoch}}}:viewers"


def channel(epoch: str, book_id: int) -> str:
    """Where the book's doorbell rings."""
    return f"livria:{{{epoch}:{book_id}}}:doorbell"
