"""Longer names of runs: SigOpt set no limit, and people put their parameters into them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SHORT, _LONG = sa.String(length=100), sa.String(length=1000)


def upgrade() -> None:
    with op.batch_alter_table("training_runs") as table:
        table.alter_column("name", existing_type=_SHORT, type_=_LONG, existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("training_runs") as table:
        table.alter_column(
            "name", existing_type=_LONG, type_=_SHORT, existing_nullable=False, postgresql_using="left(name, 100)"
        )
