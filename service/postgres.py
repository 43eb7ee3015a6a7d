"""PostgreSQL, where each statement is a journey: time limits, connections that are trusted, one moment, the time there.

A transaction of two statements is four journeys (BEGIN, COMMIT). So readers have connections of their own on which each
statement stands for itself, and a transaction is opened on one only where several statements have to see one moment.
The time is not asked for each time either: the server's clock is read now and then, and this machine's goes on from it.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session

__all__ = ["Clock", "open_engine", "see_one_moment"]

#: Nothing waits for ever.
_OPTIONS: Final = (
    "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
)
#: Seconds after which a connection that nobody used is tried before it is trusted.
_IDLE_S: Final = 2.0
#: Seconds for which this machine's clock goes on from the server's: quartz does not stray by a millisecond in them.
_GOES_ON_S: Final = 5.0
#: Seconds that reading it may take to be good enough to go on from.
_SURE_S: Final = 0.02
_NOW: Final = sa.text("SELECT clock_timestamp()")


def open_engine(url: URL, **options: Any) -> Engine:
    """Return an engine whose connections have time limits and are tried after a pause."""
    engine = sa.create_engine(url, connect_args={"options": _OPTIONS, "connect_timeout": 5}, **options)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _try_idle)
    return engine


def see_one_moment(session: Session) -> None:
    """Have a session whose statements stand for themselves see one moment from here on, until it is closed."""
    session.connection().exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")


class Clock:
    """The server's time: leases of several machines are measured on one clock. For any number of threads."""

    def __init__(self) -> None:
        self._read: tuple[datetime, float] | None = None

    def now(self, session: Session) -> datetime:
        """Return the time by the server's clock, to a few milliseconds."""
        asked = _steady()
        if self._read is not None and 0 <= asked - self._read[1] < _GOES_ON_S:
            there, here = self._read
            return there + timedelta(seconds=asked - here)
        theirs: datetime = session.execute(_NOW).scalar_one()
        answered = _steady()
        if answered - asked < _SURE_S:  # who was held up on the way does not know when the server looked
            self._read = theirs, answered
        return theirs


def _steady() -> float:
    """Return seconds of a clock that nobody sets, and that goes on while the machine sleeps where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _note_use(_connection: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _try_idle(connection: Any, record: Any, _proxy: Any) -> None:
    """Try a connection that was idle for a while: the server may have gone and come back.

    SQLAlchemy's own `pool_pre_ping` asks the server before each transaction, which is a third of a small one.
    """
    used_at = record.info.get("used_at")
    if used_at is None or time.monotonic() - used_at < _IDLE_S:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as error:
        raise DisconnectionError from error
