"""The schema's history: one file a step in versions/. Configured in code, so that it works wherever we are installed.

Write a new step with `make migration M="what changes"`.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

__all__ = ["current", "downgrade", "head", "revision", "upgrade"]


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the schema up to revision `to`. One process at a time: the others wait for its transaction."""
    with engine.begin() as connection:
        _one_at_a_time(connection)
        command.upgrade(_config(connection), to)


def downgrade(engine: Engine, to: str) -> None:
    """Take the schema back to revision `to`."""
    with engine.begin() as connection:
        _one_at_a_time(connection)
        command.downgrade(_config(connection), to)


def revision(engine: Engine, message: str) -> None:
    """Write a new step from the difference between the models and the database."""
    with engine.begin() as connection:
        command.revision(_config(connection), message=message, autogenerate=True)


def current(engine: Engine) -> str | None:
    """Return the revision the database is at, or None where there is no schema yet."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the revision this code needs."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if newest is None:
        raise RuntimeError("there are no migrations in service/migrations/versions")
    return newest


def _one_at_a_time(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7413206)"))
