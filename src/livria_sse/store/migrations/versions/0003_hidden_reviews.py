"""Reviews can be hidden and restored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds where the text of a hidden review is kept, and when one was restored."""
    op.add_column("reviews", sa.Column("hidden_content", sa.Text))
    op.add_column("reviews", sa.Column("restored_seq", sa.BigInteger))
