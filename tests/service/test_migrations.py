"""The schema's history ends at the schema the code expects."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service import migrations
from service.db import Database
from service.models import Base


def test_the_steps_lead_to_the_models_on_both_databases(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert migrations.current(database.engine) == migrations.head()


def test_the_steps_can_be_taken_back_and_taken_again(database: Database) -> None:
    migrations.downgrade(database.engine, "base")
    assert migrations.current(database.engine) is None
    migrations.upgrade(database.engine)
    assert migrations.current(database.engine) == migrations.head()
