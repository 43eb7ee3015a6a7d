"""An experiment is made: checked, stored, and its pool asked for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from service.arrays import check_searchable, strategy_names
from service.errors import InvalidInputError, PermissionDeniedError, did_you_mean
from service.events import EventType, record
from service.experiments.parts import assigned, grid_budget, said
from service.models import Experiment, Refresh
from service.schemas.experiment import Definition, ExperimentBody, parse_experiment
from service.schemas.xgboost import with_usual_priors

__all__ = ["create"]


def create(
    session: Session, body: Mapping[str, Any], *, client_id: int, now: datetime, development: bool = False
) -> Experiment:
    """Check and store an experiment, and have its pool filled.

    In `development` it is for trying out a program: its suggestions are quasi-random, and no model is asked.
    """
    parsed, given = parse_experiment(body)
    definition = with_usual_priors(given, parsed.metadata)
    if development and parsed.runs_only:
        raise PermissionDeniedError("Development tokens cannot make experiments with runs_only.")
    check_searchable(definition)
    experiment = Experiment(
        client_id=client_id,
        project_id=_project_of(session, parsed, client_id=client_id, now=now),
        name=parsed.name,
        type=parsed.type or "offline",
        development=development,
        runs_only=bool(parsed.runs_only),
        state="active",
        **definition.documents(),
        retired=[],
        meta=said(parsed.metadata),
        observation_budget=_budget(parsed, definition),
        parallel_bandwidth=parsed.parallel_bandwidth,
        num_solutions=parsed.num_solutions,
        strategy=_strategy(parsed, development=development),
        seed=secrets.randbelow(2**31) if parsed.seed is None else parsed.seed,
        quasi_random_index=0,
        created_at=now,
        updated_at=now,
    )
    session.add(experiment)
    session.flush()
    session.add(Refresh(experiment_id=experiment.id, refill_wanted=True, due_at=now))
    record(session, EventType.EXPERIMENT_CREATED, client_id=client_id, experiment_id=experiment.id, data={}, now=now)
    return experiment


def _project_of(session: Session, parsed: ExperimentBody, *, client_id: int, now: datetime) -> int | None:
    if parsed.project is not None:
        return assigned(session, parsed.project, client_id=client_id, now=now).id
    if parsed.runs_only:
        raise InvalidInputError(
            "An experiment with runs_only needs a project: its runs belong to one", field=".project"
        )
    return None


def _budget(parsed: ExperimentBody, definition: Definition) -> int | None:
    """Return how many observations are planned: for a grid, as many as it has combinations."""
    if parsed.type != "grid":
        return parsed.budget if parsed.runs_only else parsed.observation_budget
    return grid_budget(definition, parsed.observation_budget or parsed.budget)


#: Type -> the strategy that serves it.
_SERVED_BY: Final[Mapping[str, str]] = {"random": "quasi_random", "grid": "grid"}


def _strategy(parsed: ExperimentBody, *, development: bool) -> str:
    known = strategy_names()
    if parsed.strategy not in known:
        hint = did_you_mean(parsed.strategy, known)
        raise InvalidInputError(f"unknown strategy {parsed.strategy!r}{hint}", field=".strategy")
    return _SERVED_BY.get(parsed.type or "", "quasi_random" if development else parsed.strategy)
