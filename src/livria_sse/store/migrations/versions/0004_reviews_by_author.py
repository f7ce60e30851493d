"""An index of reviews by author: who has just said the same is found however busy a book is."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the index."""
    op.create_index("reviews_by_author", "reviews", ["account_id", "created_at"])
