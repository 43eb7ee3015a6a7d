"""Many writers of one SQLite file: each gets its turn, and what is acknowledged is on the disk."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from service import sqlite
from service.db import Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/x.db")
    with made.write() as session:
        session.execute(sa.text("CREATE TABLE t (x)"))
    return made


def add(database: Database, value: int, *, durable: bool = True) -> None:
    with database.write(durable=durable) as session:
        session.execute(sa.text("INSERT INTO t VALUES (:x)"), {"x": value})


def count(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(sa.text("SELECT count(*) FROM t")).scalar_one())


def test_of_many_writers_in_two_processes_each_gets_its_turn(database: Database) -> None:
    other = Database(str(database.url))  # its threads know nothing of those of the first

    def write(through: Database) -> None:
        for number in range(10):
            add(through, number)

    threads = [threading.Thread(target=write, args=(one,)) for one in [database, other] * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 160


def test_who_waits_too_long_is_refused_as_by_sqlite(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    with sqlite3.connect(str(database.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            add(database, 1)
        other.execute("ROLLBACK")
    add(database, 1)


def test_a_thread_that_waits_too_long_for_its_turn_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    refused: list[OperationalError] = []

    def late() -> None:
        try:
            add(database, 2)
        except OperationalError as error:
            refused.append(error)

    with database.write():
        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
    assert len(refused) == 1


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    real = sqlite._flush

    def flush(path: str) -> None:
        seen.append(path)
        real(path)

    monkeypatch.setattr(sqlite, "_flush", flush)
    return seen


def test_a_commit_is_on_the_disk_before_anybody_hears_of_it(database: Database, flushes: list[str]) -> None:
    add(database, 1)
    assert flushes == [f"{database.url.database}-wal"]


def test_what_can_be_worked_out_again_does_not_wait_for_the_disk(database: Database, flushes: list[str]) -> None:
    add(database, 1, durable=False)
    assert flushes == []
    add(database, 2)
    assert len(flushes) == 1  # of both


def test_what_is_rolled_back_does_not_wait_for_the_disk(database: Database, flushes: list[str]) -> None:
    with pytest.raises(RuntimeError), database.write():
        raise RuntimeError("no")
    assert flushes == []


def test_one_flush_serves_all_that_wait_for_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[float] = []

    def slow(_path: str) -> None:
        time.sleep(0.1)
        flushed.append(time.monotonic())

    monkeypatch.setattr(sqlite, "_flush", slow)
    threads = [threading.Thread(target=add, args=(database, n)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 12
    assert len(flushed) <= 6  # one a writer would be twelve


def test_a_log_that_was_written_back_needs_no_flush(tmp_path: Path) -> None:
    turns = sqlite.Turns(str(tmp_path / "gone.db"))
    with turns.mine():
        pass
    turns.on_disk()
