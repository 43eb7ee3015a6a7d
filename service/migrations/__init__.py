"""The schema's history: one file a step in versions/. Configured in code, so that it works wherever we are installed.

Write a new step with `make migration M="what changes"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    with _stepping(engine) as connection:
        command.upgrade(_config(connection), to)


def downgrade(engine: Engine, to: str) -> None:
    """Take the schema back to revision `to`."""
    with _stepping(engine) as connection:
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


@contextmanager
def _stepping(engine: Engine) -> Iterator[sa.Connection]:
    """Open the one transaction in which all steps are taken: all of them, or none."""
    with engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        # SQLite changes a table by copying it and dropping the old one, to which the rows of others point.
        if is_sqlite:
            _sqlite_pragma(connection, "foreign_keys=OFF")
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(7413206)"))
                yield connection
                if is_sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                    raise RuntimeError(f"a migration would leave rows that point nowhere: {lost[:5]}")
        finally:
            if is_sqlite:
                _sqlite_pragma(connection, "foreign_keys=ON")


def _sqlite_pragma(connection: sa.Connection, pragma: str) -> None:
    """Set a pragma that SQLite ignores within a transaction: on the driver's own connection, outside of one."""
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(f"PRAGMA {pragma}").close()
