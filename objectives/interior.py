"""Whether linear constraints leave room to search in: asked once, when a search space is made."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from objectives.errors import SpaceError, SpaceExhaustedError
from objectives.parameters import Categorical, Grid, Parameter
from objectives.sampling import uniform_points
from objectives.shapes import Floats
from objectives.space import SearchSpace

__all__ = ["check_room"]

#: the widest gap between a point and all constraints, as a share of what their sums can change, that counts as none
NARROWEST = 1e-9


def check_room(space: SearchSpace) -> None:
    """SpaceError if nothing satisfies the constraints, or only a surface that chance would never hit.

    First the point that lies deepest inside all constraints, over real numbers (a linear program in the natural
    values, so that log scales do not matter); then, since whole numbers and grids may miss what real ones reach, one
    configuration. A few milliseconds.

    >>> from objectives.space import Double, LinearConstraint
    >>> x, y = Double("x", 0.0, 1.0), Double("y", 0.0, 1.0)
    >>> line = (LinearConstraint({"x": 1.0, "y": 1.0}, 1.0), LinearConstraint({"x": -1.0, "y": -1.0}, -1.0))
    >>> check_room(SearchSpace((x, y), line))
    Traceback (most recent call last):
    ...
    objectives.errors.SpaceError: Infeasible constraints or empty set: the linear constraints leave no room
    """
    if not space.constraints:
        return
    if _depth(space) <= NARROWEST:
        raise SpaceError("Infeasible constraints or empty set: the linear constraints leave no room")
    try:
        uniform_points(space, 1, np.random.default_rng(0))
    except SpaceExhaustedError as error:
        message = "Infeasible constraints or empty set: no configuration was found that meets the linear constraints"
        raise SpaceError(message) from error


def _depth(space: SearchSpace) -> float:
    """How far inside all constraints a point can lie, as a share (at most 1) of what each sum can change; negative if
    none does."""
    ranges = np.array([_range(parameter) for parameter in space.parameters])
    weights = np.array([[c.weights.get(p.name, 0.0) for p in space.parameters] for c in space.constraints])
    span = ranges[:, 1] - ranges[:, 0]
    reach = np.abs(weights) @ span + np.finfo(np.float64).tiny
    rows: Floats = -weights * span / reach[:, None]  # over u in [0, 1]: value = low + u * span
    room = (weights @ ranges[:, 0] - [c.threshold for c in space.constraints]) / reach
    found = linprog(
        np.append(np.zeros(len(span)), -1.0),
        A_ub=np.column_stack([rows, np.ones(len(rows))]),
        b_ub=room,
        bounds=[*((0.0, 1.0) for _ in span), (None, 1.0)],
    )
    return float(found.x[-1]) if found.status == 0 else -1.0


def _range(parameter: Parameter) -> tuple[float, float]:
    """The smallest and the largest summand; a parameter that may be missing counts as 0 then."""
    if isinstance(parameter, Categorical):
        return 0.0, 0.0
    low, high = (
        (parameter.values[0], parameter.values[-1]) if isinstance(parameter, Grid) else (parameter.low, parameter.high)
    )
    return (min(low, 0.0), max(high, 0.0)) if parameter.conditions else (float(low), float(high))
