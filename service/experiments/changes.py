"""What may happen to an experiment while it runs: it is changed, put away, restored, and forgets what it learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from service.arrays import check_searchable
from service.errors import InvalidInputError
from service.events import EventType, record
from service.experiments.parts import assigned, grid_budget, said, touch
from service.models import Experiment, Refresh
from service.refreshes import hold, mark_changed
from service.reshaping import forget_models, reshape
from service.schemas.experiment import Definition, check_solutions
from service.schemas.experiment_update import ExperimentUpdate, parse_update, with_thresholds
from service.schemas.metrics import Metric
from service.schemas.parameter_changes import changed_parameters
from service.schemas.rules import check_grids

__all__ = ["delete", "forget_hyperparameters", "update"]

#: What a change takes over as it is given.
_PLAIN: Final = frozenset(("name", "state", "parallel_bandwidth"))


def update(session: Session, experiment: Experiment, body: Mapping[str, Any], *, now: datetime) -> None:
    """Change what `body` names and leave the rest. New thresholds have the front and the models made anew.

    New parameters have everything that is stored follow them (service.reshaping).
    """
    parsed = parse_update(body, runs_only=experiment.runs_only)
    refresh = _lock(session, experiment)
    given = parsed.model_fields_set
    for name in _PLAIN & given:
        setattr(experiment, name, getattr(parsed, name))
    if "metadata" in given:
        experiment.meta = said(parsed.metadata)
    if "project" in given:
        _move(session, experiment, parsed.project, now=now)
    if "parameters" in given:
        _change_parameters(session, experiment, refresh, parsed.parameters, now=now)
    if given & {"observation_budget", "budget", "parameters"}:
        _change_budget(experiment, parsed)
    if "metrics" in given:
        _change_thresholds(experiment, refresh, parsed.metrics, now=now)
    _changed(session, experiment, sorted(given - {"no_optimize"}), now=now)


def _move(session: Session, experiment: Experiment, reference: str | None, *, now: datetime) -> None:
    """Put an experiment into another project, or into none; one that is made of runs stays where its runs are."""
    client_id = experiment.client_id
    target = None if reference is None else assigned(session, reference, client_id=client_id, now=now).id
    if experiment.runs_only and target != experiment.project_id:
        message = "The project of an experiment with runs_only can't be changed: its runs belong to it"
        raise InvalidInputError(message, field=".project")
    touch(session, experiment, now=now)
    experiment.project_id = target


def _change_parameters(
    session: Session, experiment: Experiment, refresh: Refresh, given: Any, *, now: datetime
) -> None:
    definition = Definition.of(experiment)
    change = changed_parameters(definition, experiment.retired or [], given)
    if experiment.type == "grid":
        check_grids(change.parameters)
    after = definition.model_copy(update={"parameters": change.parameters})
    check_searchable(after)
    documents = after.documents()["parameters"]
    if documents == definition.documents()["parameters"]:
        return
    experiment.parameters = documents
    experiment.retired = change.retired
    session.flush()
    reshape(session, experiment, refresh, change.added, now=now)


def _change_budget(experiment: Experiment, parsed: ExperimentUpdate) -> None:
    """Take a new budget over; that of a grid follows its parameters, and may only be said as it is."""
    given = parsed.budget if experiment.runs_only else parsed.observation_budget
    definition = Definition.of(experiment)
    if experiment.type == "grid":
        experiment.observation_budget = grid_budget(definition, given)
    elif {"budget", "observation_budget"} & parsed.model_fields_set:
        check_solutions(definition, experiment.num_solutions, given)
        experiment.observation_budget = given


def _change_thresholds(experiment: Experiment, refresh: Refresh, given: Sequence[Metric], *, now: datetime) -> None:
    definition = Definition.of(experiment)
    metrics = with_thresholds(definition.metrics, given)
    if metrics != definition.metrics:
        experiment.metrics = definition.model_copy(update={"metrics": metrics}).documents()["metrics"]
        mark_changed(refresh, observations=0, failures=0, now=now)


def forget_hyperparameters(session: Session, experiment: Experiment, *, now: datetime) -> None:
    """Throw away what the models learned: the next fit searches from the start."""
    forget_models(session, experiment, _lock(session, experiment), now=now)
    _changed(session, experiment, ["hyperparameters"], now=now)


def delete(session: Session, experiment: Experiment, *, now: datetime) -> None:
    """Put an experiment away: it stays readable and can be restored. Deleting it again changes nothing.

    Its training runs stay where they are (`service.runs.lifecycle.delete_all` puts them away).
    """
    _lock(session, experiment)
    if experiment.state != "deleted":
        experiment.state = "deleted"
        _changed(session, experiment, ["state"], now=now)


def _lock(session: Session, experiment: Experiment) -> Refresh:
    """Lock an experiment against other changes, by its refresh's row as everybody does, and read it anew."""
    refresh = hold(session, [experiment.id])[experiment.id]
    session.refresh(experiment)
    return refresh


def _changed(session: Session, experiment: Experiment, fields: Sequence[str], *, now: datetime) -> None:
    experiment.updated_at = now
    touch(session, experiment, now=now)
    record(
        session,
        EventType.EXPERIMENT_CHANGED,
        client_id=experiment.client_id,
        experiment_id=experiment.id,
        data={"fields": list(fields)},
        now=now,
    )
