"""The bridge to `objectives`: rows become arrays here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from objectives.errors import ObjectivesError, SpaceExhaustedError
from objectives.metrics import Metric
from objectives.parameters import Beta, Categorical, Condition, Double, Grid, Int, LinearConstraint, Normal
from objectives.parameters import Parameter as SearchParameter
from objectives.problem import Data, Problem
from objectives.sampling import quasi_random as quasi_random_point
from objectives.space import SearchSpace
from objectives.strategies import STRATEGIES
from service.errors import InvalidInputError
from service.models import Configuration
from service.schemas.experiment import Definition
from service.schemas.parameters import Bounds, Parameter, Prior
from service.schemas.parameters import LinearConstraint as ConstraintDocument

__all__ = ["Measured", "check_searchable", "measured", "problem_of", "quasi_random", "strategy_names"]


@dataclass(frozen=True)
class Measured:
    """What was measured, as arrays: row i of `data` is the configuration `ids[i]`."""

    ids: tuple[int, ...]
    data: Data


def problem_of(definition: Definition) -> Problem:
    """Return the optimizer's view of an experiment: conditionals become categorical parameters."""
    conditionals = [Categorical(item.name, tuple(item.values)) for item in definition.conditionals]
    parameters = [_parameter(parameter) for parameter in definition.parameters]
    constraints = tuple(_constraint(item) for item in definition.linear_constraints)
    metrics = tuple(Metric(m.name or "", m.objective, m.strategy, m.threshold) for m in definition.metrics)
    return Problem(SearchSpace((*conditionals, *parameters), constraints), metrics)


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
        problem_of(definition)
    except ObjectivesError as error:
        raise InvalidInputError(str(error), field=".parameters") from error


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


def measured(session: Session, experiment_id: int, problem: Problem, *, pending: Sequence[dict[str, Any]]) -> Measured:
    """Read what was measured at each configuration, pooled, in the order in which the configurations came."""
    rows = session.execute(
        sa.select(Configuration.id, Configuration.assignments, Configuration.sums, Configuration.failures)
        .where(Configuration.experiment_id == experiment_id)
        .order_by(Configuration.id)
    ).all()
    names = [metric.name for metric in problem.metrics]
    shape = (len(rows), len(names))
    values, variances, counts = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape)
    for i, row in enumerate(rows):
        for j, name in enumerate(names):
            sums = row.sums.get(name)
            if sums is not None:
                values[i, j], counts[i, j] = sums["mean"], sums["n"]
                variances[i, j] = sums["stddev"] ** 2 if sums["known"] else np.nan
    data = Data(
        assignments=[row.assignments for row in rows],
        values=values,
        variances=variances,
        counts=counts,
        failures=np.array([row.failures for row in rows], dtype=float),
        pending=tuple(pending),
    )
    return Measured(tuple(row.id for row in rows), data)
