"""No index of idempotency keys by age: an author's own are looked for, and those are few."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Drops the index."""
    op.drop_index("idempotency_keys_by_age", table_name="idempotency_keys")
