"""Versions of experiments: what a reply shows is old once the version has risen. Refreshes that cost much rest."""

import sqlalchemy as sa
from alembic import op

from service.db import Id, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("refreshes") as table:
        table.add_column(sa.Column("version", Id, server_default="0", nullable=False))
        table.add_column(sa.Column("rests_until", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("refreshes") as table:
        table.drop_column("rests_until")
        table.drop_column("version")
