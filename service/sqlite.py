"""SQLite for many writers: whose turn it is, and how what was committed reaches the disk.

One transaction writes at a time. SQLite has no queue for those who wait: each sleeps up to a tenth of a second between
two looks, and at a hundred writes a second somebody is always overtaken. So the threads of a process queue for a lock
of their own, and the one at its head looks every millisecond.

A commit leaves the disk to be reached later (synchronous=NORMAL: what is in the database is whole at any moment, but a
power cut may take the newest transactions with it). `on_disk` then flushes the write-ahead log, before anybody is told
that something is stored: while one waits for the disk the next may write already, and one flush serves all that wait.
SQLite's own synchronous=FULL would flush with the lock held (docs/decisions/0014).
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import OperationalError

__all__ = ["BUSY_TIMEOUT_MS", "Turns", "open_engine"]

#: How long a writer waits for another one, in milliseconds.
BUSY_TIMEOUT_MS: Final = 15_000
#: Seconds between two looks of the one writer of this process that is next; with dice, so that processes take turns.
_LOOK_S: Final = (0.0003, 0.0015)


class Turns:
    """Whose turn it is to write among the threads of this process, and what of the log is on the disk."""

    def __init__(self, path: str | None) -> None:
        self._log = None if path is None else f"{path}-wal"
        self._turn = threading.Lock()
        self._flush = threading.Lock()
        self._committed = 0
        self._flushed = 0

    @contextmanager
    def mine(self) -> Iterator[None]:
        """Wait for the turn of this thread, as long as SQLite would, and fail as it does."""
        if not self._turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise OperationalError("BEGIN IMMEDIATE", {}, sqlite3.OperationalError("database is locked"))
        try:
            yield
            self._committed += 1
        finally:
            self._turn.release()

    def on_disk(self) -> None:
        """Return once everything that this process has committed until now would survive a power cut."""
        wanted = self._committed
        with self._flush:
            if self._flushed >= wanted or self._log is None:
                return
            covers = self._committed
            _flush(self._log)
            self._flushed = covers


def _flush(path: str) -> None:
    """Flush a log. One that is not there was written back into the database, which SQLite flushes by itself."""
    try:
        log = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        getattr(os, "fdatasync", os.fsync)(log)
    finally:
        os.close(log)


def open_engine(url: URL, **options: Any) -> Engine:
    """Return an engine whose transactions begin as `_begin` says; the folder of its file is made."""
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, **options)
    event.listen(engine, "connect", _open_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _open_connection(connection: Any, _record: Any) -> None:
    """Set up a new connection of the driver."""
    connection.isolation_level = None  # the driver must not open transactions by itself: `_begin` does
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that writes takes the write lock at once."""
    raw: Any = connection.connection.dbapi_connection
    if connection.get_execution_options().get("read_only", False):
        raw.execute("BEGIN").close()
    elif not _begin_soon(raw):
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a last time, for SQLAlchemy's own error


def _begin_soon(raw: Any) -> bool:
    """Take the write lock as soon as it is free; False if it never is."""
    raw.execute("PRAGMA busy_timeout=0").close()
    try:
        return _looked(raw)
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").close()


def _looked(raw: Any) -> bool:
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            raw.execute("BEGIN IMMEDIATE").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                return False
        else:
            return True
        time.sleep(random.uniform(*_LOOK_S))  # noqa: S311 no secret
