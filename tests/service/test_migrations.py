"""The schema's history ends at the schema the code expects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service import migrations
from service.db import Database
from service.models import Base, Token
from service.tokens import PERMISSIONS


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


def test_tokens_of_before_keep_what_they_could_do(database: Database) -> None:
    migrations.downgrade(database.engine, "0001")
    with database.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO clients (id, name, created_at) VALUES (7, 'c', '2026-11-23 12:00:00')"))
        for number, permission in enumerate(("read", "write", "admin"), 1):
            connection.execute(
                sa.text(
                    "INSERT INTO tokens (id, client_id, name, prefix, digest, permission, created_at) "
                    "VALUES (:number, 7, 't', 'p', :digest, :permission, '2026-11-23 12:00:00')"
                ),
                {"number": number, "digest": f"d{number}", "permission": permission},
            )
    migrations.upgrade(database.engine)
    with database.read() as session:
        scopes = session.scalars(sa.select(Token.scopes).order_by(Token.id)).all()
    wanted = [list(PERMISSIONS[name]) for name in ("read", "write", "admin")]
    assert scopes == [*wanted[:2], [*wanted[2], "operator"]]  # who could do all before runs the service
