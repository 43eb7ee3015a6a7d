"""Who brings an experiment's front and models up to date, and whether somebody must: generations, lease, fencing.

Celery only wakes a worker. That there is work stands here (`data_generation` ahead of `model_generation`, or a refill
wanted), that somebody does it stands here (the lease), and that it failed stands here (`attempts`, `due_at`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import UtcDateTime
from service.models import Refresh

__all__ = [
    "DEGRADE_AFTER",
    "Lease",
    "claim",
    "due_among",
    "due_experiments",
    "extend",
    "fail",
    "finish",
    "front_published",
    "hold",
    "is_due",
    "is_held",
    "mark_changed",
    "rest_after",
    "start_over",
    "want_refill",
]

LEASE: Final = timedelta(seconds=30)
#: Results that arrive together are answered by one refresh: it starts this long after the last, but not later than
#: LATEST after the first.
DEBOUNCE: Final = timedelta(milliseconds=20)
LATEST: Final = timedelta(seconds=5)
#: Processor seconds that a refresh may take without a rest; what is beyond is rested for, so many times as long.
CHEAP_S: Final = 0.25
REST: Final = 4.0
LONGEST_REST: Final = timedelta(seconds=30)
#: How long a failed refresh waits before the next attempt: 1, 2, 4 … seconds, at most this long.
LONGEST_BACKOFF: Final = timedelta(minutes=5)
#: From this many attempts without success on, models are left out and the pool is filled quasi-randomly.
DEGRADE_AFTER: Final = 2


@dataclass(frozen=True)
class Lease:
    """The right to write the front and models of one experiment: valid while `epoch` is the row's."""

    experiment_id: int
    epoch: int
    attempts: int

    @property
    def is_degraded(self) -> bool:
        """Whether the models have failed so often that this refresh goes without them."""
        return self.attempts > DEGRADE_AFTER


def hold(session: Session, experiment_ids: Sequence[int]) -> dict[int, Refresh]:
    """Lock the rows of `experiment_ids` until the transaction ends, and count their versions up.

    Whoever changes an experiment, or anything that belongs to it, holds its row: changes happen one after the other,
    and replies made before one are known to be old (service.api.kept). In the order of the ids, so that two batches
    never wait for each other. To hold what this transaction holds already costs nothing.
    """
    held: dict[int, Refresh] = session.info.setdefault(_HELD, {})
    wanted = sorted(set(experiment_ids) - held.keys())
    if len(wanted) > 1:
        session.execute(_LOCK, {"keys": wanted})
    if wanted:
        for row in session.scalars(_COUNT_UP, {"keys": wanted}, execution_options=_AS_IT_IS):
            held[row.experiment_id] = row
    return {key: held[key] for key in experiment_ids if key in held}


def is_held(session: Session, experiment_id: int) -> bool:
    """Whether this transaction holds an experiment's row."""
    return experiment_id in session.info.get(_HELD, {})


#: Key of `session.info`: the rows that its transaction has locked. A session is one transaction (service.db).
_HELD: Final = "held"
_ID: Final = Refresh.experiment_id
_WANTED: Final = _ID.in_(sa.bindparam("keys", expanding=True))
_LOCK: Final = sa.select(_ID).where(_WANTED).order_by(_ID).with_for_update()
#: To change a row is to lock it: one statement for the usual change, of one experiment.
_COUNT_UP: Final = sa.update(Refresh).where(_WANTED).values(version=Refresh.version + 1).returning(Refresh)
_AS_IT_IS: Final = {"populate_existing": True, "synchronize_session": False}
_DUE: Final = sa.select(_ID).where(
    Refresh.due_at <= sa.bindparam("soon", type_=UtcDateTime()),
    sa.or_(Refresh.lease_until.is_(None), Refresh.lease_until < sa.bindparam("now", type_=UtcDateTime())),
)


def mark_changed(row: Refresh, *, observations: int, failures: int, now: datetime) -> int:
    """Count new observations in (or deleted ones out) and make a refresh due. Return the new data generation.

    Where anything but new observations came, which one is the best has to be looked for again.
    """
    row.data_generation += 1
    if observations <= 0:
        row.best_observation_id = None
    row.observation_count += observations
    row.failure_count += failures
    row.dirty_since = row.dirty_since or now
    if row.attempts == 0:  # while attempts fail, the back-off of `claim` decides
        row.due_at = _rested(row, min(now + DEBOUNCE, row.dirty_since + LATEST))
    return row.data_generation


def start_over(row: Refresh, *, now: datetime) -> None:
    """Make a refresh due that starts from nothing known; one that is under way is overtaken and writes nothing."""
    row.lease_epoch += 1
    row.lease_owner = row.lease_until = None
    row.attempts = 0
    row.refill_wanted = True
    row.rests_until = None
    row.due_at = now


def want_refill(row: Refresh, *, now: datetime) -> None:
    """Ask for a fuller pool although no data changed."""
    row.refill_wanted = True
    if row.due_at is None:
        row.due_at = _rested(row, now)


def _rested(row: Refresh, at: datetime) -> datetime:
    return at if row.rests_until is None else max(at, row.rests_until)


def rest_after(cost_s: float) -> timedelta:
    """Return how long an experiment rests after a refresh of so many processor seconds.

    With many results of a large experiment each refresh would be old before it ends, and take the machine from those
    who answer requests. So none takes more than a fifth of a processor; what is cheap is not held up at all.

    >>> rest_after(0.05), rest_after(1.25)
    (datetime.timedelta(0), datetime.timedelta(seconds=4))
    """
    return min(timedelta(seconds=round(REST * max(0.0, cost_s - CHEAP_S), 3)), LONGEST_REST)


def due_experiments(session: Session, *, now: datetime, limit: int = 100) -> Sequence[int]:
    """Return the experiments that wait for a refresh that nobody is doing: what the sweeper sends again."""
    return session.scalars(
        sa.select(Refresh.experiment_id)
        .where(Refresh.due_at <= now, sa.or_(Refresh.lease_until.is_(None), Refresh.lease_until < now))
        .order_by(Refresh.due_at)
        .limit(limit)
    ).all()


def due_among(session: Session, experiment_ids: Collection[int], *, now: datetime) -> Sequence[int]:
    """Return those experiments that a worker would find work at now."""
    return session.scalars(_DUE.where(_ID.in_(experiment_ids)), {"now": now, "soon": now + DEBOUNCE}).all()


def is_due(session: Session, experiment_id: int, *, now: datetime) -> bool:
    """Whether `claim` would find work: a look that locks nothing, since most wake-ups come to what is being done."""
    return bool(due_among(session, (experiment_id,), now=now))


def claim(session: Session, experiment_id: int, *, owner: str, now: datetime) -> Lease | None:
    """Take the lease if there is work and nobody has it. One statement, so that of two workers one gets it.

    The attempt is counted before the work, so that one that kills its process counts too; `finish` clears the count.
    """
    backoff = sa.case(
        {count: now + min(timedelta(seconds=2**count), LONGEST_BACKOFF) for count in range(9)},
        value=Refresh.attempts,
        else_=now + LONGEST_BACKOFF,
    )
    row = session.execute(
        sa.update(Refresh)
        .where(
            Refresh.experiment_id == experiment_id,
            Refresh.due_at.is_not(None),
            Refresh.due_at <= now + DEBOUNCE,
            sa.or_(Refresh.lease_until.is_(None), Refresh.lease_until < now),
        )
        .values(
            lease_owner=owner,
            lease_epoch=Refresh.lease_epoch + 1,
            version=Refresh.version + 1,
            lease_until=now + LEASE,
            attempts=Refresh.attempts + 1,
            due_at=backoff,
        )
        .returning(Refresh.lease_epoch, Refresh.attempts)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return None if row is None else Lease(experiment_id, *row)


def extend(session: Session, lease: Lease, *, now: datetime) -> bool:
    """Keep the lease for another while. False if somebody else has it by now."""
    return _update(session, lease, {"lease_until": now + LEASE})


def front_published(session: Session, lease: Lease, *, generation: int, now: datetime) -> bool:
    """Note that the front has seen data `generation`, and keep the lease for another while: models take longer."""
    return _update(session, lease, {"front_generation": generation, "lease_until": now + LEASE})


def finish(session: Session, lease: Lease, *, generation: int, now: datetime, rest: timedelta = timedelta(0)) -> bool:
    """Give the lease back after a refresh that saw data `generation`; due again after `rest` if more has come since.

    Returns False, and changes nothing, if the lease has passed to somebody else (the caller then rolls back).
    """
    more = Refresh.data_generation > generation
    return _update(
        session,
        lease,
        {
            "front_generation": generation,
            "model_generation": generation,
            "attempts": 0,
            "last_error": None,
            "refill_wanted": False,
            "lease_until": None,
            "lease_owner": None,
            "due_at": sa.case((more, now + rest), else_=None),
            "rests_until": now + rest,
            "dirty_since": sa.case((more, now), else_=None),
        },
    )


def fail(session: Session, lease: Lease, *, error: str) -> bool:
    """Give the lease back after a refresh that failed; `claim` has already set when the next one is due."""
    return _update(session, lease, {"last_error": error[:2000], "lease_until": None, "lease_owner": None})


def _update(session: Session, lease: Lease, values: dict[str, object]) -> bool:
    result = session.execute(
        sa.update(Refresh)
        .where(Refresh.experiment_id == lease.experiment_id, Refresh.lease_epoch == lease.epoch)
        .values(**values, version=Refresh.version + 1)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount == 1)  # type: ignore[attr-defined]
