"""What a transaction is, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from service.db import Database, insert_new
from service.models import Client, Configuration, Event, Project, Refresh
from tests.support import new_experiment

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def add_client(session: Session, name: str, at: datetime = NOW) -> None:
    session.add(Client(name=name, created_at=at))
    session.flush()


def names(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(sa.select(Client.name).order_by(Client.id)))


def test_a_block_that_ends_commits_and_one_that_raises_does_not(database: Database) -> None:
    with database.write() as session:
        add_client(session, "kept")
    with pytest.raises(StatementError), database.write() as session:
        add_client(session, "dropped")
        add_client(session, "naive", at=datetime(2026, 1, 1))  # noqa: DTZ001 that is the point
    assert names(database) == ["kept"]


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    elsewhere = datetime(2026, 1, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    with database.write() as session:
        add_client(session, "x", at=elsewhere)
    with database.read() as session:
        (found,) = session.scalars(sa.select(Client.created_at))
    assert (found, found.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_not_stored(database: Database, value: float) -> None:
    with database.write() as session:
        client = new_experiment(session, now=NOW).client_id
    with pytest.raises((StatementError, ValueError)), database.write() as session:  # psycopg does not wrap it
        session.add(Event(client_id=client, type="t", data={"v": value}, created_at=NOW))
        session.flush()


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.write() as session:
        add_client(session, "first")
    with database.read() as session:
        before = session.scalars(sa.select(Client.name)).all()
        with database.write() as writer:
            add_client(writer, "second")
        assert session.scalars(sa.select(Client.name)).all() == before
    assert names(database) == ["first", "second"]


def test_writers_at_the_same_time_wait_for_each_other(database: Database) -> None:
    with database.write() as session:
        experiment = new_experiment(session, now=NOW).id

    def count() -> None:
        for _ in range(20):
            with database.write() as session:
                row = session.get_one(Refresh, experiment, with_for_update=True)
                row.observation_count += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert session.get_one(Refresh, experiment).observation_count == 80


def test_only_rows_that_are_new_are_inserted_and_returned(database: Database) -> None:
    with database.write() as session:
        experiment = new_experiment(session, now=NOW).id

    def rows(*keys: str) -> list[dict[str, object]]:
        return [{"experiment_id": experiment, "key": key, "assignments": {}, "sums": {}, "failures": 0} for key in keys]

    unique, returning = ("experiment_id", "key"), ("key",)
    with database.write() as session:
        insert_new(session, Configuration, rows("a", "b"), unique=unique, returning=returning)
    with database.write() as session:
        new = insert_new(session, Configuration, rows("b", "c", "c"), unique=unique, returning=returning)
    assert [row.key for row in new] == ["c"]


def test_a_row_is_told_by_its_attributes_whatever_its_columns_are_called(database: Database) -> None:
    with database.write() as session:
        add_client(session, "a")
        row = {"client_id": session.scalars(sa.select(Client.id)).one(), "reference": "p", "name": "p"}
        more = {"meta": {"owner": "me"}, "deleted": False, "created_at": NOW, "updated_at": NOW}
        insert_new(session, Project, [row | more], unique=("client_id", "reference"), returning=("id",))
        assert session.scalars(sa.select(Project.meta)).one() == {"owner": "me"}


def test_a_failing_statement_does_not_show_its_values(database: Database) -> None:
    with pytest.raises(StatementError) as failed, database.write() as session:
        session.execute(sa.insert(Client), [{"id": 1, "name": "whsec_hidden", "created_at": NOW}] * 2)
    assert "whsec_hidden" not in str(failed.value)


def test_sqlite_is_durable_and_left_as_one_file(tmp_path: Path, sqlite_template: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/x.db")
    with database.read() as session:
        settings = [session.execute(sa.text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 1]  # 1 is NORMAL: service.sqlite flushes the log itself
    with database.write() as session:
        session.execute(sa.text("CREATE TABLE t (x)"))
    killed = Database(f"sqlite:///{tmp_path}/new/x.db")
    database.close()
    killed.tidy()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.db"]
