"""Documents to problems: what an experiment is, as `objectives` sees it; and the points that ask no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from objectives.composites import Expression
from objectives.errors import DataError, ObjectivesError, SpaceError, SpaceExhaustedError
from objectives.interior import check_room
from objectives.metrics import Metric
from objectives.parameters import Beta, Categorical, Condition, Double, Grid, Int, LinearConstraint, Normal
from objectives.parameters import Parameter as SearchParameter
from objectives.problem import Problem
from objectives.sampling import quasi_random as quasi_random_point
from objectives.space import SearchSpace
from objectives.strategies import STRATEGIES
from objectives.tasks import Task, design_weights, spread_choice
from service.errors import InvalidInputError
from service.schemas.experiment import Definition
from service.schemas.metrics import Metric as MetricDocument
from service.schemas.parameters import Bounds, Parameter, Prior
from service.schemas.parameters import LinearConstraint as ConstraintDocument

__all__ = ["check_searchable", "problem_of", "quasi_random", "strategy_names", "task_of_turn"]


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
    """Return the `index`-th point of the seed's sequence, distinct from `avoid` while the space has others left.

    What lies in a search space of before, since parameters were changed, need not be avoided.
    """
    problem = problem_of(definition)
    try:
        return quasi_random_point(problem, seed=seed, index=index, avoid=avoid)
    except SpaceExhaustedError:
        return quasi_random_point(problem, seed=seed, index=index)
    except SpaceError:
        there = [assignments for assignments in avoid if _is_in(problem, assignments)]
        return quasi_random(definition, seed=seed, index=index, avoid=there)


def _is_in(problem: Problem, assignments: dict[str, Any]) -> bool:
    try:
        problem.space.key(assignments)
    except SpaceError:
        return False
    return True
