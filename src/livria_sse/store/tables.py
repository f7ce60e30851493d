"""The tables, as migrations are compared with them. Times are milliseconds since 1970, UTC.

They are whole numbers because SQLite has no type for an instant, and because both databases then
store, compare and index them alike.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

#: SQLite numbers rows by itself only for a column of type INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

#: One row for each fact about the database itself: its epoch.
facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

books = Table(
    "books",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("cover", Text, nullable=False),
    Column("last_seq", BigInteger, nullable=False, server_default="0"),
    Column("review_count", BigInteger, nullable=False, server_default="0"),
    Column("active_at", BigInteger, nullable=False, server_default="0"),
    Index("books_by_activity", "active_at", "id"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Number, primary_key=True),
    Column("username", Text, nullable=False),
    # The username as it is compared: without upper and lower case.
    Column("username_key", Text, nullable=False, unique=True),
    # Absent for accounts of the site's existing login, whose `sub` is the subject.
    Column("password_hash", Text),
    Column("subject", Text, unique=True),
    Column("staff", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the token, in hexadecimal: who reads the table cannot sign in with it.
    Column("token_hash", Text, primary_key=True),
    Column("account_id", BigInteger, ForeignKey("accounts.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("sessions_by_expiry", "expires_at"),
    Index("sessions_by_account", "account_id"),
)

reviews = Table(
    "reviews",
    metadata,
    # Never used again after a deletion: readers know reviews by their ids.
    Column("id", Number, primary_key=True),
    Column("book_id", BigInteger, ForeignKey("books.id"), nullable=False),
    Column("account_id", BigInteger, ForeignKey("accounts.id"), nullable=False),
    # Absent from a tombstone.
    Column("content", Text),
    Column("created_seq", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # The content of a review that is hidden: all else sees a tombstone.
    Column("hidden_content", Text),
    # Absent from a review that was never restored.
    Column("restored_seq", BigInteger),
    UniqueConstraint("book_id", "seq", name="reviews_by_seq"),
    Index("reviews_by_author", "account_id", "created_at"),
    Index(
        "reviews_shown",
        "book_id",
        "id",
        sqlite_where=text("content IS NOT NULL"),
        postgresql_where=text("content IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("account_id", BigInteger, ForeignKey("accounts.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    # SHA-256 of the book and the text that were asked for; the text itself is not kept twice.
    Column("digest", Text, nullable=False),
    Column("review_id", BigInteger, ForeignKey("reviews.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
