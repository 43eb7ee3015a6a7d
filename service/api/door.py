"""How a view reaches the database: its transactions are opened and closed here; after a commit, one nudge.

A request begins with a look: who asks. What is read first goes on in the same session.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final, cast

import sqlalchemy as sa
from flask import Flask, current_app, g, request
from sqlalchemy.orm import Session

from service import refreshes
from service.api import conditional, reservations
from service.api.gate import Gate
from service.db import Database
from service.events import RECORDED
from service.nudge import Nudge
from service.settings import Settings

__all__ = [
    "Door",
    "Services",
    "first_look",
    "let_go",
    "look",
    "read",
    "read_at_leisure",
    "register",
    "services",
    "wait_until",
    "write",
]

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
    gate: Gate = field(default_factory=Gate)


@dataclass(frozen=True)
class Door:
    """One open transaction."""

    session: Session
    services: Services

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self.services.settings

    @cached_property
    def now(self) -> datetime:
        """The time by the database's clock, when it was first asked for in this transaction."""
        return self.services.database.now(self.session)


def services() -> Services:
    """Return what `service.app.create_app` was given."""
    return cast("Services", current_app.extensions[EXTENSION])


def register(app: Flask) -> None:
    """Have the app close what a request that came to nothing has left open."""
    app.teardown_request(lambda _error: let_go())


def first_look() -> Session:
    """Open the session that this request's first `look` or `read` goes on in, unless it is open."""
    if "first_look" in g:
        return cast("Session", g.first_look[1])
    stack = ExitStack()
    stack.enter_context(services().gate.inside())
    session = stack.enter_context(services().database.look())
    g.first_look = (stack, session)
    return session


def let_go() -> None:
    """Close the first look, if nobody went on in it: a view that waits or writes sees what is there by then."""
    if "first_look" in g:
        g.pop("first_look")[0].close()


@contextmanager
def look() -> Iterator[Door]:
    """Ask one question, or several of which each may be answered as of another moment."""
    session = first_look()
    with g.pop("first_look")[0]:
        yield Door(session, services())


@contextmanager
def read() -> Iterator[Door]:
    """Open a transaction that only looks: all that is read in it is of one moment."""
    with look() as door:
        services().database.see_one_moment(door.session)
        yield door


@contextmanager
def read_at_leisure() -> Iterator[Door]:
    """Open a transaction that looks for seconds, as an export does: others are let in beside it."""
    let_go()
    with services().database.read() as session:
        yield Door(session, services())


@contextmanager
def write() -> Iterator[Door]:
    """Open a transaction that may change rows; it commits when the block ends, and then the relay is nudged.

    What the block did and the mark of the request's Idempotency-Key, if it has one, are committed together.
    """
    let_go()
    held = services()
    with held.gate.inside(), held.database.write() as session:
        if conditional.is_asked():
            _hold(session)
            conditional.check()
        yield Door(session, held)
        reservations.mark(session)
    if session.info.get(RECORDED):
        held.nudge.relay_soon()


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
        with look() as door:
            if is_settled(door):
                return
        if time.monotonic() >= end:
            return
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_LOOK_S)
