"""How a view reaches the database: one transaction a request, opened and closed here; after a commit, one nudge."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

import sqlalchemy as sa
from flask import current_app, request
from sqlalchemy.orm import Session

from service import refreshes
from service.api import conditional, reservations
from service.db import Database
from service.events import RECORDED
from service.nudge import Nudge
from service.settings import Settings

__all__ = ["Door", "Services", "read", "services", "wait_until", "write"]

EXTENSION: Final = "tradespace"
#: Between two looks of a request that waits: short at first, so that a fast worker is not waited for in vain;
#: longer then, so that many waiting requests leave the machine to the worker.
_FIRST_LOOK_S: Final = 0.01
_LONGEST_LOOK_S: Final = 0.06


@dataclass(frozen=True)
class Services:
    """What the web process holds for its whole life."""

    database: Database
    settings: Settings
    nudge: Nudge


@dataclass(frozen=True)
class Door:
    """One open transaction, with the time by the database's clock."""

    session: Session
    now: datetime
    settings: Settings


def services() -> Services:
    """Return what `service.app.create_app` was given."""
    return cast("Services", current_app.extensions[EXTENSION])


@contextmanager
def read() -> Iterator[Door]:
    """Open a transaction that only looks."""
    held = services()
    with held.database.read() as session:
        yield Door(session, held.database.now(session), held.settings)


@contextmanager
def write() -> Iterator[Door]:
    """Open a transaction that may change rows; it commits when the block ends, and then the relay is nudged.

    What the block did and the mark of the request's Idempotency-Key, if it has one, are committed together.
    """
    held = services()
    with held.database.write() as session:
        if conditional.is_asked():
            _hold(session)
            conditional.check()
        yield Door(session, held.database.now(session), held.settings)
        reservations.mark(session)
    if session.info.get(RECORDED):
        held.nudge.relay()


def _hold(session: Session) -> None:
    """Lock what the path is about, so that nobody changes it between the look at its tag and the change.

    Whoever changes an experiment holds its refresh's row; two conditional changes of anything else wait for each other.
    """
    experiment = (request.view_args or {}).get("experiment_id", "")
    if experiment.isascii() and experiment.isdigit() and len(experiment) < 19:
        refreshes.hold(session, [int(experiment)])
    elif session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(request.path.encode()))))


def wait_until(is_settled: Callable[[Door], bool], *, at_most_s: float = math.inf) -> None:
    """Look again and again whether `is_settled`, for as long as the settings allow a request to wait, or less."""
    end = time.monotonic() + min(at_most_s, services().settings.suggestion_wait_s)
    pause = _FIRST_LOOK_S
    while True:
        with read() as door:
            if is_settled(door):
                return
        if time.monotonic() >= end:
            return
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_LOOK_S)
