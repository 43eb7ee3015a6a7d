"""One refresh of an experiment (fifth stop of a result's journey): front, models, a fresh pool of suggestions.

Front first, and published at once; then one GP a metric; then the pool. What is written is
fenced by the lease's epoch: a worker that was overtaken writes nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy.orm import Session
from threadpoolctl import threadpool_limits

from objectives.errors import SpaceExhaustedError
from objectives.fitting import is_refit_due
from objectives.hypervolume import Front, contributions, observed_front
from objectives.importances import importances
from objectives.optimizer import Candidate, Models, fit, suggest
from objectives.problem import Data, Problem
from service import fronts, knowledge, refreshes, suggestions
from service.arrays import Measured, measured
from service.db import Database
from service.events import EventType, record
from service.fronts import NewFront
from service.models import Experiment, Refresh
from service.refreshes import Lease
from service.schemas.experiment import Definition
from tasks.celery import app, context

__all__ = ["Overtaken", "refresh", "refresh_once"]

log = logging.getLogger(__name__)

#: Points of the progress curve that are computed when its reference point moves.
PROGRESS_POINTS: Final = 60
RENEW_EVERY_S: Final = 10.0
MOST_POOLED: Final = 16
#: For how many points what each contributes is worked out, by the number of metrics: a fifth of a second at most.
#: With more metrics the hypervolume itself is an estimate, too rough to be taken apart.
MOST_CONTRIBUTING: Final[Mapping[int, int]] = {1: 10_000, 2: 10_000, 3: 10_000, 4: 500, 5: 150, 6: 80}


class Overtaken(Exception):  # noqa: N818 not an error: somebody else has the lease and does the work
    """The lease has passed to another worker, so nothing is written here."""


@dataclass(frozen=True)
class _Work:
    """What a refresh starts from, read in one transaction."""

    experiment: Experiment
    measured: Measured
    generation: int
    observation_count: int
    pool_size: int
    old_front: Any
    old_models: Models | None
    model_generation: int
    needs_models: bool

    @property
    def problem(self) -> Problem:
        return self.measured.problem

    @property
    def data(self) -> Data:
        return self.measured.data

    @property
    def searched(self) -> Data:
        return self.measured.searched


@app.task(name="tradespace.refresh")
def refresh(experiment_id: int) -> None:
    """Bring one experiment up to date; nothing to do or somebody at it already: return at once."""
    held = context()
    if refresh_once(held.database, experiment_id, pool_size=held.settings.pool_size):
        held.nudge.relay()


def refresh_once(database: Database, experiment_id: int, *, pool_size: int) -> bool:
    """Do one refresh if one is due and free. Return whether one was done."""
    with database.look() as session:
        if not refreshes.is_due(session, experiment_id, now=database.now(session)):
            return False
    with _write(database) as session:
        lease = refreshes.claim(session, experiment_id, owner=_owner(), now=database.now(session))
    if lease is None:
        return False
    try:
        with _kept(database, lease):
            _refresh(database, lease, pool_size)
    except Overtaken:
        log.warning("experiment %d: overtaken by another worker; nothing written", experiment_id)
        return False
    except (
        Exception
    ) as error:  # whatever it was: it is noted with its attempt, and from the third on models are left out
        log.error("experiment %d: attempt %d failed", experiment_id, lease.attempts, exc_info=error)
        with _write(database) as session:
            refreshes.fail(session, lease, error=f"{type(error).__name__}: {error}")
        return False
    return True


def _write(database: Database) -> AbstractContextManager[Session]:
    """Open a transaction whose changes are worked out anew if a power cut takes them."""
    return database.write(durable=False)


def _owner() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"[:100]


@contextmanager
def _kept(database: Database, lease: Lease) -> Iterator[None]:
    """Extend the lease from a thread while the block runs, so that a long fit keeps it and a dead process does not."""
    done = threading.Event()

    def extend() -> None:
        while not done.wait(RENEW_EVERY_S):
            with _write(database) as session:
                if not refreshes.extend(session, lease, now=database.now(session)):
                    return

    thread = threading.Thread(target=extend, name=f"lease-{lease.experiment_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _refresh(database: Database, lease: Lease, pool_size: int) -> None:
    with database.read() as session:
        work = _read(session, lease.experiment_id, pool_size)
    front = _front(work)
    shown = _new_front(work, front)  # before anything is locked: this worker may be slow, since others come first
    with _write(database) as session:
        now = database.now(session)
        if not refreshes.front_published(session, lease, generation=work.generation, now=now):
            raise Overtaken
        fronts.publish(session, work.experiment, shown, now=now)
    started, cost_s = time.monotonic(), time.process_time()
    # The dice of a refresh are those of its experiment and data: the same data give the same pool.
    rng = np.random.default_rng([work.experiment.seed, work.generation])
    models = None if lease.is_degraded or not work.needs_models else _fit(work, rng)
    learned = None if models is None else _learned(models)
    proposals = [_proposal(candidate) for candidate in _candidates(work, front, models, rng)]
    fit_s, rest = time.monotonic() - started, refreshes.rest_after(time.process_time() - cost_s)
    with _write(database) as session:
        now = database.now(session)
        if not refreshes.finish(session, lease, generation=work.generation, now=now, rest=rest):
            raise Overtaken
        _publish_pool(session, lease, work, learned, proposals, fit_s=fit_s, now=now)
    if models is not None:
        _publish_importances(database, lease, work, models, rng)


def _fit(work: _Work, rng: np.random.Generator) -> Models:
    """Fit the models; where only the pool ran low and no data came, the last fit is taken as it is.

    With new data the optimizer decides whether to search the hyperparameters again or to condition on the data.
    """
    is_known = work.old_models is not None and work.model_generation == work.generation
    return fit(work.problem, work.searched, previous=work.old_models, rng=rng, refit=False if is_known else None)


def _publish_importances(
    database: Database, lease: Lease, work: _Work, models: Models, rng: np.random.Generator
) -> None:
    """Work out how much each parameter matters if that is due; the pool is out already, so nobody waits for it."""
    with database.read() as session:
        row = session.get_one(Refresh, lease.experiment_id)
        if not knowledge.are_importances_due(session, work.experiment, row):
            return
    with threadpool_limits(limits=1):
        found = importances(models, rng=rng)
    shares = {name: _shares(totals) for name, totals in found.items()}
    with _write(database) as session:
        row = refreshes.hold(session, [lease.experiment_id])[lease.experiment_id]
        if row.lease_epoch == lease.epoch:  # else somebody knows more by now, and writes what that says
            now = database.now(session)
            knowledge.save_importances(session, lease.experiment_id, shares, generation=work.generation, now=now)


def _shares(totals: Mapping[str, float]) -> dict[str, float]:
    """Total indices as shares that sum to 1; where nothing changes the metric every parameter matters alike."""
    total = sum(totals.values())
    return {name: value / total if total > 0 else 1.0 / len(totals) for name, value in totals.items()}


def _read(session: Session, experiment_id: int, pool_size: int) -> _Work:
    experiment = session.get_one(Experiment, experiment_id)
    row = session.get_one(Refresh, experiment_id)
    found = measured(session, experiment_id, Definition.of(experiment))
    state = fronts.model_state(session, experiment_id)
    old_models = None if state is None else Models.from_dict(state.state)
    wanted = max(pool_size, experiment.parallel_bandwidth or 0, len(found.data.pending) + 1)
    return _Work(
        experiment=experiment,
        measured=found,
        generation=row.data_generation,
        observation_count=row.observation_count,
        pool_size=min(max(MOST_POOLED, pool_size), wanted),
        old_front=fronts.latest(session, experiment_id),
        old_models=old_models,
        model_generation=0 if state is None else state.generation,
        # A grid and chance ask no model. Who asks has the stored one conditioned on what is new: so far does it do.
        needs_models=suggestions.is_searched(experiment)
        or is_refit_due(old_models or Models(), found.searched)
        or knowledge.are_importances_due(session, experiment, row),
    )


def _front(work: _Work) -> Front:
    """Return the front, measured from the reference point of before while that still lies behind all of it."""
    kept = _kept_ref_point(work)
    front = observed_front(work.problem, work.data, ref_point=kept)
    signs = np.array([metric.sign for metric in work.problem.optimized])
    if kept is not None and (front.values * signs < front.ref_point * signs).any():
        return observed_front(work.problem, work.data)
    return front


def _kept_ref_point(work: _Work) -> Any:
    """Return the reference point to stay with: once the initial design is in, so that hypervolumes stay comparable."""
    enough = min(24, 2 * (work.problem.space.d + 1))
    if work.old_front is None or work.old_front.observation_count < enough:
        return None
    # A threshold that was cleared is inferred anew; those that are given take precedence anyway.
    known = {item["metric"]: item["value"] for item in work.old_front.ref_point if item["inferred"]}
    values = [known.get(metric.name) for metric in work.problem.optimized]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _new_front(work: _Work, front: Front) -> NewFront:
    reference = [
        {"metric": metric.name, "value": _finite(value), "inferred": inferred}
        for metric, value, inferred in zip(
            work.problem.optimized, front.ref_point.tolist(), front.ref_point_inferred, strict=True
        )
    ]
    return NewFront(
        generation=work.generation,
        observation_count=work.observation_count,
        feasible_count=front.feasible_count,
        infeasible_count=front.infeasible_count,
        hypervolume=_finite(front.hypervolume),
        ref_point=reference,
        points=_points(work, front),
        progress=_progress(work, front, reference),
    )


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _points(work: _Work, front: Front) -> list[dict[str, Any]]:
    """The points of the front, each with its values (composites computed) and what it adds to the hypervolume."""
    means = work.problem.filled(work.data.values)
    shares = _contributions(work, front)
    return [
        {"configuration": work.measured.ids[i], "values": _values(work, means, i), "contribution": share}
        for i, share in zip(front.indices, shares, strict=True)
    ]


def _contributions(work: _Work, front: Front) -> list[float | None]:
    """What the hypervolume would lose without each point; unknown where many points of many metrics cost too much."""
    if len(front) > MOST_CONTRIBUTING.get(work.problem.m, 0):
        return [None] * len(front)
    return [_finite(share) for share in contributions(front, work.problem).tolist()]


def _values(work: _Work, means: Any, index: int) -> dict[str, list[float | None]]:
    values: dict[str, list[float | None]] = {}
    for j, metric in enumerate(work.problem.metrics):
        mean, variance = float(means[index, j]), float(work.data.variances[index, j])
        if np.isfinite(mean):
            values[metric.name] = [mean, None if np.isnan(variance) else float(np.sqrt(variance))]
    return values


def _progress(work: _Work, front: Front, reference: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    """Return the hypervolume after each configuration, all against today's reference point.

    While the reference point stays, a point is added to the curve that is there; when it moves, the curve is computed
    anew, which happens only while the experiment is young.
    """
    now = (work.observation_count, float(front.hypervolume))
    old = work.old_front
    if old is not None and old.progress and old.ref_point == list(reference):
        return [*((int(n), float(v)) for n, v in old.progress if n < work.observation_count), now]
    n = len(work.data)
    steps = sorted({int(step) for step in np.linspace(1, n, min(n, PROGRESS_POINTS))} - {n}) if n else []
    ref_point = front.ref_point
    return [*((step, _hypervolume_of_first(work, step, ref_point)) for step in steps), now]


def _hypervolume_of_first(work: _Work, count: int, ref_point: Any) -> float:
    data = work.data
    part = Data(data.assignments[:count], data.values[:count], costs=data.costs[:count])
    return float(observed_front(work.problem, part, ref_point=ref_point).hypervolume)


def _candidates(work: _Work, front: Front, models: Models | None, rng: np.random.Generator) -> tuple[Candidate, ...]:
    if not suggestions.is_searched(work.experiment):
        return ()  # they come one by one, without a pool
    strategy = work.experiment.strategy if models is not None else "quasi_random"
    if work.searched is not work.data:  # the front to beat is the one inside today's bounds
        front = observed_front(work.problem, work.searched, ref_point=front.ref_point)
    try:
        return suggest(
            work.problem,
            work.searched,
            front,
            models,
            count=work.pool_size,
            rng=rng,
            strategy=strategy,
            seed=work.experiment.seed,
            budget=work.experiment.observation_budget,
            solutions=work.experiment.num_solutions or 1,
        )
    except SpaceExhaustedError:  # every configuration of a finite space was tried: the pool stays empty
        return ()


@dataclass(frozen=True)
class _Learned:
    """What is kept of models, made before anything is locked: the leave-one-out fit costs as much as a fit."""

    state: dict[str, Any]
    quality: dict[str, Any]
    notes: tuple[str, ...]


def _learned(models: Models) -> _Learned:
    quality = {name: asdict(found) for name, found in models.fit_quality.items()}
    return _Learned(models.to_dict(), quality, models.notes)


def _publish_pool(
    session: Session,
    lease: Lease,
    work: _Work,
    learned: _Learned | None,
    proposals: Sequence[dict[str, Any]],
    *,
    fit_s: float,
    now: datetime,
) -> None:
    experiment = work.experiment
    if learned is not None:
        fronts.save_models(
            session,
            experiment.id,
            generation=work.generation,
            epoch=lease.epoch,
            state=learned.state,
            quality=learned.quality,
            notes=learned.notes,
            fit_s=fit_s,
            now=now,
        )
    count = suggestions.refill(session, experiment.id, proposals, model_generation=work.generation, now=now)
    kind = EventType.MODEL_DEGRADED if lease.is_degraded else EventType.SUGGESTION_READY
    data = {"model_generation": work.generation, "count": count}
    record(session, kind, client_id=experiment.client_id, experiment_id=experiment.id, data=data, now=now)


def _proposal(candidate: Candidate) -> dict[str, Any]:
    predicted = candidate.predicted
    return {
        "assignments": candidate.assignments,
        "task": candidate.task,
        "strategy": candidate.strategy,
        "reason": candidate.reason,
        "predicted": None
        if predicted is None
        else {name: {"mean": mean, "stddev": stddev} for name, (mean, stddev) in predicted.items()},
    }
