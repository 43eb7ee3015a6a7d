"""The bridge to `objectives`: rows become arrays here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from objectives.composites import Expression
from objectives.errors import DataError, ObjectivesError, SpaceExhaustedError
from objectives.interior import check_room
from objectives.metrics import Metric
from objectives.parameters import Beta, Categorical, Condition, Double, Grid, Int, LinearConstraint, Normal
from objectives.parameters import Parameter as SearchParameter
from objectives.problem import Data, Problem
from objectives.sampling import quasi_random as quasi_random_point
from objectives.shapes import Floats
from objectives.space import SearchSpace
from objectives.strategies import STRATEGIES
from objectives.tasks import Task, design_weights, spread_choice
from service.errors import InvalidInputError
from service.models import Configuration, Suggestion
from service.schemas.experiment import Definition
from service.schemas.metrics import Metric as MetricDocument
from service.schemas.parameters import Bounds, Parameter, Prior
from service.schemas.parameters import LinearConstraint as ConstraintDocument

__all__ = [
    "Measured",
    "check_searchable",
    "fitted",
    "measured",
    "problem_of",
    "quasi_random",
    "strategy_names",
    "task_of_turn",
]


@dataclass(frozen=True)
class Measured:
    """What was measured, as arrays: row i of `data` is the configuration `ids[i]`."""

    ids: tuple[int, ...]
    data: Data
    problem: Problem


def problem_of(definition: Definition) -> Problem:
    """Return the optimizer's view of an experiment: conditionals become categorical parameters."""
    conditionals = [Categorical(item.name, tuple(item.values)) for item in definition.conditionals]
    parameters = [_parameter(parameter) for parameter in definition.parameters]
    constraints = tuple(_constraint(item) for item in definition.linear_constraints)
    metrics = tuple(_metric(metric) for metric in definition.metrics)
    return Problem(SearchSpace((*conditionals, *parameters), constraints), metrics, _tasks(definition))


def _metric(metric: MetricDocument) -> Metric:
    expression = None if metric.expression is None else Expression(metric.expression)
    return Metric(metric.name or "", metric.objective, metric.strategy, metric.threshold, expression)


def _tasks(definition: Definition) -> tuple[Task, ...]:
    return tuple(Task(task.name, task.cost) for task in definition.tasks)


def task_of_turn(definition: Definition, index: int) -> str | None:
    """Return the task of the `index`-th suggestion that no model made; None where there are no tasks."""
    tasks = _tasks(definition)
    return spread_choice(tasks, design_weights(tasks), index).name if tasks else None


def _parameter(parameter: Parameter) -> SearchParameter:
    conditions: tuple[Condition, ...] = tuple(
        (name, frozenset(values)) for name, values in sorted(parameter.conditions.items())
    )
    if parameter.type == "categorical":
        return Categorical(parameter.name, parameter.choices, conditions=conditions)
    if parameter.grid is not None:
        return Grid(parameter.name, tuple(sorted(parameter.grid)), log=parameter.is_log, conditions=conditions)
    bounds = parameter.bounds or Bounds(min=0.0, max=1.0)  # numeric without a grid: the schema saw to the bounds
    if parameter.type == "int":
        return Int(parameter.name, int(bounds.min), int(bounds.max), log=parameter.is_log, conditions=conditions)
    prior = _prior(parameter.prior)
    return Double(parameter.name, bounds.min, bounds.max, log=parameter.is_log, prior=prior, conditions=conditions)


def _prior(prior: Prior | None) -> Normal | Beta | None:
    if prior is None:
        return None
    if prior.mean is not None and prior.scale is not None:
        return Normal(prior.mean, prior.scale)
    return Beta(prior.shape_a or 1.0, prior.shape_b or 1.0)


def _constraint(document: ConstraintDocument) -> LinearConstraint:
    sign = 1.0 if document.type == "greater_than" else -1.0
    weights = {term.name: sign * term.weight for term in document.terms}
    return LinearConstraint(weights, sign * document.threshold)


def check_searchable(definition: Definition) -> None:
    """Refuse a search space that the optimizer cannot search, with its reason."""
    try:
        check_room(problem_of(definition).space)
    except ObjectivesError as error:
        raise InvalidInputError(str(error), field=_field_of(error)) from error


def _field_of(error: ObjectivesError) -> str:
    """Where the fault lies: what an experiment's search space, metrics or constraints cannot be."""
    if isinstance(error, DataError):
        return ".metrics"
    return ".linear_constraints" if "constraint" in str(error) else ".parameters"


def strategy_names() -> tuple[str, ...]:
    """Return the names that an experiment's `strategy` may have."""
    return tuple(sorted(STRATEGIES))


def quasi_random(definition: Definition, *, seed: int, index: int, avoid: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the `index`-th point of the seed's sequence, distinct from `avoid` while the space has others left."""
    problem = problem_of(definition)
    try:
        return quasi_random_point(problem, seed=seed, index=index, avoid=avoid)
    except SpaceExhaustedError:
        return quasi_random_point(problem, seed=seed, index=index)


def measured(session: Session, experiment_id: int, definition: Definition) -> Measured:
    """Read what was measured at each configuration, pooled, in the order in which they came, and what is being tried.

    A parameter that came later counts as its default in what was measured before; what was measured with a value that
    is gone by now is left out.
    """
    problem = problem_of(definition)
    rows, assignments = _that_fit(_measured_rows(session, experiment_id), definition, problem)
    tried, pending = _that_fit(_tried_rows(session, experiment_id), definition, problem)
    costs = {task.name: task.cost for task in problem.tasks}
    values, variances, counts = _sums(rows, [metric.name for metric in problem.metrics])
    data = Data(
        assignments=assignments,
        values=values,
        variances=variances,
        counts=counts,
        failures=np.array([row.failures for row in rows], dtype=float),
        pending=pending,
        costs=np.array([costs.get(row.task, 1.0) for row in rows], dtype=float),
        pending_costs=np.array([costs.get(row.task, 1.0) for row in tried], dtype=float),
    )
    return Measured(tuple(row.id for row in rows), data, problem)


def _measured_rows(session: Session, experiment_id: int) -> list[Any]:
    """The configurations of which an observation is left."""
    table = Configuration
    found = session.execute(
        sa.select(table.id, table.assignments, table.task, table.sums, table.failures)
        .where(table.experiment_id == experiment_id)
        .order_by(table.id)
    )
    return [row for row in found if row.sums or row.failures]


def _tried_rows(session: Session, experiment_id: int) -> list[Any]:
    """The open suggestions, oldest first: what models count as pending."""
    table = Suggestion
    mine = sa.and_(table.experiment_id == experiment_id, table.state == "open", table.deleted_at.is_(None))
    return list(session.execute(sa.select(table.assignments, table.task).where(mine).order_by(table.id)))


def _that_fit(rows: list[Any], definition: Definition, problem: Problem) -> tuple[list[Any], list[dict[str, Any]]]:
    """The rows that lie in today's search space, with their assignments."""
    try:
        problem.space.encode([row.assignments for row in rows])
        return rows, [row.assignments for row in rows]
    except ObjectivesError:  # parameters were changed while it ran: look at each
        pairs = [(row, found) for row in rows if (found := fitted(row.assignments, definition, problem)) is not None]
        return [row for row, _ in pairs], [found for _, found in pairs]


def fitted(assignments: dict[str, Any], definition: Definition, problem: Problem) -> dict[str, Any] | None:
    """Return assignments with defaults for parameters that came later; None where a value is no longer there."""
    known = [*definition.conditional_by_name, *definition.parameter_by_name]
    defaults = {p.name: p.default_value for p in definition.parameters if p.default_value is not None}
    full = {name: value for name, value in {**defaults, **assignments}.items() if name in known}
    try:
        X = problem.space.encode([full])
    except ObjectivesError:
        return None
    active = problem.space.active(X)[0]
    return {p.name: full[p.name] for p, there in zip(problem.space.parameters, active, strict=True) if there}


def _sums(rows: Sequence[Any], names: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Means, their known variances and the counts behind them, each (rows, metrics); NaN where nothing is known."""
    shape = (len(rows), len(names))
    values, variances, counts = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    for i, row in enumerate(rows):
        for j, name in enumerate(names):
            sums = row.sums.get(name)
            if sums is not None:
                values[i, j], counts[i, j] = sums["mean"], sums["n"]
                variances[i, j] = sums["stddev"] ** 2 if sums["known"] else np.nan
    return values, variances, counts
