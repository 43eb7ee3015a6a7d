"""A run from its first word to its observation.

A run of an AI experiment starts with a suggestion and ends as an observation, which is made when its state says that it
is over: of the metrics it reported, or a failure where one is missing. Runs without an experiment are only kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import observations, suggestions
from service.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from service.models import Experiment, Observation, Project, Suggestion, TrainingRun
from service.refreshes import hold
from service.schemas.assignments import Assignments, check_assignments
from service.schemas.experiment import Definition
from service.schemas.result import Result
from service.schemas.run import OPTIMIZED, RunBody, checked, merged, replaced
from service.schemas.values import Value, complete

__all__ = ["best", "change", "counts", "create", "delete_all", "find", "start"]

_OVER: Final = frozenset(("completed", "failed"))


def find(session: Session, run_id: int, *, client_id: int) -> TrainingRun:
    """Return a run of this client, or raise `NotFoundError`."""
    run = session.get(TrainingRun, run_id)
    if run is None or run.client_id != client_id:
        raise NotFoundError(f"Training run {run_id} not found", training_run=str(run_id))
    return run


def create(session: Session, project: Project, bodies: Sequence[RunBody], *, now: datetime) -> list[TrainingRun]:
    """Keep new runs of a project that belong to no experiment: all of them or, if one is wrong, none."""
    runs = [_new(project, body, body.document, now) for body in bodies]
    session.add_all(runs)
    project.updated_at = now
    session.flush()
    return runs


def _document(before: Mapping[str, Any], body: RunBody, *, merge: bool) -> dict[str, Any]:
    said = body.said()
    return checked(merged(before, said) if merge else replaced(before, said), said)


def _new(project: Project, body: RunBody, document: dict[str, Any], now: datetime) -> TrainingRun:
    state = body.state or "active"
    return TrainingRun(
        client_id=project.client_id,
        project_id=project.id,
        name=body.name,
        state=state,
        deleted=bool(body.deleted),
        favorite=bool(body.favorite),
        document=_with_favorite(document, body),
        tags=[],
        created_at=now,
        updated_at=now,
        completed_at=now if state in _OVER else None,
    )


def _with_favorite(document: dict[str, Any], body: RunBody) -> dict[str, Any]:
    """Note in the document that something was said of it: lists tell how many runs say anything."""
    return document if body.favorite is None else {**document, "favorite": body.favorite}


def start(session: Session, experiment: Experiment, body: RunBody, *, now: datetime) -> TrainingRun:
    """Make a run of an AI experiment together with its suggestion, or with its observation if it is over already."""
    if experiment.state != "active":
        message = f"Cannot create training runs for deleted experiment {experiment.id}"
        raise InvalidInputError(message, field="state", expected="an active experiment")
    project = None if experiment.project_id is None else session.get(Project, experiment.project_id)
    if project is None:
        message = f"Experiment {experiment.id} must belong to a project in order to create training runs"
        raise PermissionDeniedError(message)
    hold(session, [experiment.id])
    session.refresh(experiment)  # it may have other parameters since the caller read it
    said = body.said()
    document = replaced({}, said)
    suggestion = None if body.state in _OVER else _suggestion(session, experiment, document, now=now)
    if suggestion is not None:
        document = _with_suggestion(document, suggestion)
    run = _new(project, body, checked(document, said), now)
    run.experiment_id = experiment.id
    run.suggestion_id = None if suggestion is None else suggestion.id
    session.add(run)
    session.flush()
    experiment.updated_at = project.updated_at = now
    if run.state in _OVER:
        _observe(session, run, frozenset(), token_id=None, now=now)
    return run


def _suggestion(
    session: Session, experiment: Experiment, document: Mapping[str, Any], *, now: datetime
) -> Suggestion | None:
    """Take the next suggestion, or open the one that the run names; a part of a configuration makes none."""
    named = _relevant(Definition.of(experiment), document)
    if not named:
        return suggestions.claim(session, experiment, now=now)
    try:
        return suggestions.explicit(session, experiment, named, metadata=None, now=now)
    except InvalidInputError:
        return None


def _relevant(definition: Definition, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return those assignments of a run that are the experiment's; a run may have more of its own."""
    known = {**definition.parameter_by_name, **definition.conditional_by_name}
    return {name: value for name, value in document.get("assignments", {}).items() if name in known}


def _with_suggestion(document: Mapping[str, Any], suggestion: Suggestion) -> dict[str, Any]:
    described = {name: {"source": OPTIMIZED} for name in suggestion.assignments}
    return {
        **document,
        "assignments": {**document.get("assignments", {}), **suggestion.assignments},
        "assignments_meta": {**document.get("assignments_meta", {}), **described},
        "assignments_sources": {
            **document.get("assignments_sources", {}),
            OPTIMIZED: {"sort": 1, "default_show": True},
        },
    }


def change(
    session: Session, run: TrainingRun, body: RunBody, *, merge: bool, token_id: int | None, now: datetime
) -> None:
    """Change what `body` names: put in place of what was there, or with `merge` added to it."""
    given = body.model_fields_set
    _lock(session, run, given)
    if not given:
        return
    run.document = _with_favorite(_document(run.document, body, merge=merge), body)
    run.name = body.name or run.name
    run.state = body.state or run.state
    run.favorite = bool(body.favorite) if "favorite" in given else run.favorite
    if body.project is not None:
        run.project_id = _project(session, run, body.project)
    if run.state in _OVER and run.completed_at is None:
        run.completed_at = now
    run.updated_at = now
    if run.experiment_id is not None and run.state in _OVER:
        _observe(session, run, given, token_id=token_id, now=now)
    if "deleted" in given:
        _set_deleted(session, run, bool(body.deleted), token_id=token_id, now=now)
    session.flush()


#: What of a run reaches its experiment.
_REACHES: Final = frozenset(("state", "deleted", "values", "assignments"))


def _lock(session: Session, run: TrainingRun, given: Set[str]) -> None:
    """Lock a run, since several processes tell of it at once. What reaches its experiment locks the refresh first."""
    if run.experiment_id is not None and given & _REACHES:
        hold(session, [run.experiment_id])
        session.refresh(session.get_one(Experiment, run.experiment_id))
    session.refresh(run, with_for_update=True)


def _project(session: Session, run: TrainingRun, reference: str) -> int:
    found = session.scalar(
        sa.select(Project.id).where(Project.client_id == run.client_id, Project.reference == reference)
    )
    if found is None:
        raise InvalidInputError(f"Unknown project ID: {reference[:40]}", field=".project", expected="one of yours")
    return found


def _observe(session: Session, run: TrainingRun, given: Set[str], *, token_id: int | None, now: datetime) -> None:
    """Make the observation of a run that is over, once; values that come later correct it."""
    experiment = session.get_one(Experiment, run.experiment_id)
    definition = Definition.of(experiment)
    values = () if run.state == "failed" else _values(run, definition)
    if run.observation_id is None:
        _store(session, run, definition, values, now=now)
    elif given & {"state", "values"} and not run.deleted:
        document = [{"name": v.name, "value": v.value, "value_stddev": v.stddev} for v in values]
        body = {"values": document, "failed": not values}
        observations.update(session, experiment, run.observation_id, body, token_id=token_id, now=now)


def _store(
    session: Session, run: TrainingRun, definition: Definition, values: tuple[Value, ...], *, now: datetime
) -> None:
    """Store what was measured, where it was measured: a run may have left its suggestion. Without a place, nothing."""
    suggestion = None if run.suggestion_id is None else session.get_one(Suggestion, run.suggestion_id)
    assignments = _whole(definition, run)
    if suggestion is not None and assignments in (None, suggestion.assignments):
        assignments = None
    elif assignments is None:
        return
    result = Result(
        experiment_id=run.experiment_id or 0,
        suggestion_id=run.suggestion_id if assignments is None else None,
        assignments=assignments,
        values=values,
        failed=not values,
        metadata=None,
        result_id=_result_id(run),
    )
    outcome = observations.store(session, [result], source="run", now=now)[0]
    if isinstance(outcome, observations.Refused):
        raise outcome.error
    run.observation_id = outcome.observation_id
    if suggestion is not None and suggestion.closed_at is None:
        suggestion.state, suggestion.closed_at = "closed", now


def _result_id(run: TrainingRun) -> str:
    """Name a run's result. Its id alone would not do: another server's runs may have been brought in beside it."""
    return f"training_run-{run.id}-{int(run.created_at.timestamp() * 1e6):x}"


def _whole(definition: Definition, run: TrainingRun) -> Assignments | None:
    """Return the configuration as the run ended; None if it names only a part."""
    try:
        return check_assignments(definition, _relevant(definition, run.document))
    except InvalidInputError:
        return None


def _values(run: TrainingRun, definition: Definition) -> tuple[Value, ...]:
    """Return the experiment's metrics as the run reported them; none of them if one is missing."""
    reported = run.document.get("values", {})
    values = [
        Value(name, reported[name]["value"], reported[name].get("value_stddev"))
        for name in definition.reported
        if name in reported
    ]
    try:
        return complete(values, definition, failed=False)
    except InvalidInputError:
        return ()


def delete_all(session: Session, experiment_id: int, *, token_id: int | None, now: datetime) -> None:
    """Put all runs of an experiment away, with their suggestions and observations."""
    hold(session, [experiment_id])
    mine = sa.select(TrainingRun).where(TrainingRun.experiment_id == experiment_id, TrainingRun.deleted.is_(False))
    for run in session.scalars(mine.with_for_update()):
        run.updated_at = now
        _set_deleted(session, run, True, token_id=token_id, now=now)


def _set_deleted(session: Session, run: TrainingRun, deleted: bool, *, token_id: int | None, now: datetime) -> None:
    """Put a run away or bring it back; its suggestion and its observation go the same way."""
    if run.deleted == deleted:
        return
    run.deleted = deleted
    if run.suggestion_id is not None:
        session.get_one(Suggestion, run.suggestion_id).deleted_at = now if deleted else None
    if run.observation_id is not None:
        experiment = session.get_one(Experiment, run.experiment_id)
        move = observations.delete if deleted else observations.restore
        move(session, experiment, run.observation_id, token_id=token_id, now=now)


def counts(session: Session, experiment_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return how many runs experiments have in each state, by their ids; runs that were archived do not count."""
    rows = session.execute(
        sa.select(TrainingRun.experiment_id, TrainingRun.state, sa.func.count())
        .where(TrainingRun.experiment_id.in_(experiment_ids), TrainingRun.deleted.is_(False))
        .group_by(TrainingRun.experiment_id, TrainingRun.state)
    )
    found: dict[int, dict[str, int]] = {key: {} for key in experiment_ids}
    for key, state, count in rows:
        found[key or 0][state] = count
    return found


def best(session: Session, configuration_ids: Sequence[int]) -> list[TrainingRun]:
    """Return the runs that measured these configurations, in their order, each configuration's newest run first."""
    rows = session.execute(
        sa.select(Observation.configuration_id, TrainingRun)
        .join(Observation, Observation.id == TrainingRun.observation_id)
        .where(
            Observation.configuration_id.in_(configuration_ids),
            Observation.failed.is_(False),
            TrainingRun.deleted.is_(False),
        )
        .order_by(TrainingRun.id.desc())
    )
    place = {key: index for index, key in enumerate(configuration_ids)}
    return [run for _, run in sorted(rows, key=lambda row: place[row[0]])]
