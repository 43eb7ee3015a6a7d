"""Optuna's storages, read without Optuna: its database tables, and the files of its journal.

Known: databases of schema version 12 (Optuna 2.10 to 5.0, Alembic revisions v2.6.0.a to v3.2.0.a), on SQLite or any
other database that SQLAlchemy has a driver for; journal files of Optuna 3.1 to 5.0. `studies` reads them, `write` turns
one into the JSON that `service.transfer.Import` takes.
"""

from pathlib import Path

from service.transfer.optuna import journal, rdb
from service.transfer.optuna.conversion import Report, write
from service.transfer.optuna.study import Study, Trial

__all__ = ["Report", "Study", "Trial", "studies", "write"]

_SQLITE = b"SQLite format 3\x00"


def studies(source: str) -> list[Study]:
    """Read every study of `source`: the path of an SQLite file or of a journal, or the address of a database."""
    if "://" in source:
        return rdb.read(source)
    path = Path(source)
    with path.open("rb") as file:
        is_sqlite = file.read(len(_SQLITE)) == _SQLITE
    return rdb.read(f"sqlite:///file:{path.resolve()}?mode=ro&uri=true") if is_sqlite else journal.read(path)
