"""What a session costs and sees on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InternalError

from service.db import Database
from service.models import Client

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent while the block runs."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


COUNT = sa.select(sa.func.count()).select_from(Client)


def add_client(database: Database) -> None:
    with database.write() as session:
        session.add(Client(name="x", created_at=NOW))


def test_a_look_sees_what_is_committed_meanwhile_and_a_read_does_not(database: Database) -> None:
    with database.look() as looking, database.read() as reading:
        assert (looking.scalar(COUNT), reading.scalar(COUNT)) == (0, 0)
        add_client(database)
        assert (looking.scalar(COUNT), reading.scalar(COUNT)) == (1, 0)
        database.see_one_moment(looking)
        assert looking.scalar(COUNT) == 1
        add_client(database)
        assert looking.scalar(COUNT) == 1


def test_a_look_begins_no_transaction_and_the_next_one_finds_none_left_over(database: Database) -> None:
    asked = sa.text("SELECT now() = statement_timestamp()")  # now() is when the transaction began
    for _ in range(3):
        with database.read() as session:
            session.scalar(asked)
            assert session.scalar(asked) is False
        with database.look() as session:
            session.scalar(asked)
            assert session.scalar(asked) is True


def test_who_reads_cannot_write(database: Database) -> None:
    with pytest.raises(InternalError, match="read-only transaction"), database.read() as session:
        session.execute(sa.insert(Client).values(name="x", created_at=NOW))
    with database.read() as session:
        assert session.scalar(COUNT) == 0


def test_the_servers_clock_is_read_now_and_then_and_goes_on_by_itself(database: Database) -> None:
    clock = sa.text("SELECT clock_timestamp()")
    with database.read() as session:
        for _ in range(50):  # one that was held up on the way is not gone on from
            database.now(session)
        with statements() as sent:
            ours = [database.now(session) for _ in range(100)]
        theirs: datetime = session.scalars(clock).one()
    assert len(sent) <= 2
    assert ours == sorted(ours)
    assert ours[-1].utcoffset() == timedelta(0)
    assert abs(theirs - ours[-1]) < timedelta(seconds=1)
