"""The database: how it is opened, what a transaction is, what time it is there.

SQLite's write transactions take the write lock at once (BEGIN IMMEDIATE), since one that reads first and writes later
is refused without waiting; what else it needs is in service.sqlite, and what PostgreSQL needs in service.postgres.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.orm import Mapper, Session

from service import postgres
from service import sqlite as sqlite_files

__all__ = ["Database", "Id", "Json", "UtcDateTime", "insert_new", "strict_json"]


def strict_json(value: Any) -> str:
    """Return `value` as JSON text; raise ValueError for NaN and the infinities, which JSON does not have.

    >>> strict_json({"b": 1.5})
    '{"b":1.5}'
    """
    return _ENCODER.encode(value)


#: Made once: json.dumps would make one a call.
_ENCODER: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"), ensure_ascii=False)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time: PostgreSQL's timestamptz; SQLite, which has none, keeps it naive in UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive time: whose noon would it be?"""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time was given: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        """Return the time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: A key: PostgreSQL's bigint; SQLite numbers rows by itself only in a column called INTEGER.
Id: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: A document: PostgreSQL's jsonb, which refuses NaN and U+0000; JSON text elsewhere.
Json: Final = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


class Database:
    """One database, opened once a process.

    `write()` is a transaction that commits when its block ends and rolls back when it raises; `read()` sees one moment,
    however many questions a page asks, and never takes a write lock; `look()` is for one question.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = _normalise(url)
        options = {
            "json_serializer": strict_json,
            "hide_parameters": True,  # a failing statement is logged, and a webhook's secret may be among its values
            "pool_size": pool_size,
            "max_overflow": 3 * pool_size,
        }
        self._turns = sqlite_files.Turns(self.url.database) if self.is_sqlite else None
        if self.is_sqlite:
            self.engine = sqlite_files.open_engine(self.url, **options)
            self._reader: Engine = self.engine.execution_options(read_only=True)
        else:
            self.engine = postgres.open_engine(self.url, **options)
            self._reader = postgres.open_engine(self.url, isolation_level="AUTOCOMMIT", **options)
            self._clock = postgres.Clock()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-machine database."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Session]:
        """Open a transaction that may change rows. Once the block has ended, it survives a power cut.

        `durable=False` is for what is worked out anew if it is lost: on SQLite it then does not wait for the disk.
        """
        with (
            nullcontext() if self._turns is None else self._turns.mine(),
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
        if self._turns is not None and durable:
            self._turns.on_disk()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only looks."""
        with self.look() as session:
            self.see_one_moment(session)
            yield session

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Open a session that only looks. On PostgreSQL each of its statements sees the moment at which it is run."""
        with Session(self._reader, expire_on_commit=False, autoflush=False) as session:
            yield session

    def see_one_moment(self, session: Session) -> None:
        """Have a `look` go on as a `read`."""
        if not self.is_sqlite:  # where even a look is a transaction, which costs nothing there
            postgres.see_one_moment(session)

    def now(self, session: Session) -> datetime:
        """Return the time by the database's clock: leases of several machines are measured on one clock."""
        return datetime.now(UTC) if self.is_sqlite else self._clock.now(session)

    def tidy(self) -> None:
        """Leave SQLite as one file, now that everybody else is gone: the last one out writes the log back into it."""
        if self.is_sqlite:
            with self.read() as session:
                session.execute(sa.text("SELECT 1 FROM sqlite_schema"))
        self.close()

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
        self._reader.dispose()


def insert_new(
    session: Session,
    table: type[Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    unique: Sequence[str],
    returning: Sequence[str],
) -> list[sa.Row[Any]]:
    """Insert `rows` but those whose `unique` columns are taken already; return the `returning` of the new ones."""
    if not rows:
        return []
    statement = _inserting(session.get_bind().dialect.name, table.__table__, tuple(unique), tuple(returning))
    renamed = _renamed(table.__mapper__)
    return list(session.execute(statement, [{renamed.get(k, k): v for k, v in row.items()} for row in rows]).all())


@cache
def _renamed(mapper: Mapper[Any]) -> Mapping[str, str]:
    """Attribute -> its column, where the two have different names: a table passes over a name that it does not know."""
    return {name: column.key for name, column in mapper.columns.items() if name != column.key}


@cache
def _inserting(dialect: str, rows: sa.Table, unique: tuple[str, ...], returning: tuple[str, ...]) -> Any:
    """Built once: to build a statement costs as much as to run it. Of the table: rows cost less than objects."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(rows)
    return insert.on_conflict_do_nothing(index_elements=list(unique)).returning(*(rows.c[name] for name in returning))


def _normalise(url: str) -> URL:
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed
