"""Optuna's storages, read without Optuna: its database tables, and the files of its journal.

Known: databases of schema version 12 (Optuna 2.10 to 5.0, Alembic revisions v2.6.0.a to v3.2.0.a), on SQLite or any
other database that SQLAlchemy has a driver for; journal files of Optuna 3.1 to 5.0. `studies` reads them, `write` turns
one into the JSON that `service.transfer.Import` takes.
"""

from pathlib import Path
from typing import BinaryIO

from service.errors import InvalidInputError
from service.transfer.optuna import journal, rdb
from service.transfer.optuna.conversion import Report, write
from service.transfer.optuna.study import Study, Trial

__all__ = ["Report", "Study", "Trial", "chosen", "is_journal", "read_journal", "studies", "write"]

#: A journal is one JSON object a line, each with the code of an operation.
_JOURNAL = (b'{"op_code":', b'{"worker_id":')
_SQLITE = b"SQLite format 3\x00"


def studies(source: str) -> list[Study]:
    """Read every study of `source`: the path of an SQLite file or of a journal, or the address of a database."""
    if "://" in source:
        return rdb.read(source)
    path = Path(source)
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            file.seek(0)
            return journal.read(file)
    return rdb.read(f"sqlite:///file:{path.resolve()}?mode=ro&uri=true")


def is_journal(head: bytes) -> bool:
    """Whether a file that begins like this is a journal."""
    return head.startswith(_JOURNAL)


def read_journal(file: BinaryIO) -> list[Study]:
    """Read every study of a journal."""
    return journal.read(file)


def chosen(studies: list[Study], name: str | None) -> Study:
    """Return the study called `name`, or the only one there is."""
    fitting = [study for study in studies if name in (None, study.name)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(repr(study.name) for study in studies) or "none"
    asked = f"no study {name!r}" if name is not None else f"{len(studies)} studies: say which with `study`"
    raise InvalidInputError(f"{asked}; there are {known}", field="study", expected=known)
