"""A search space with constraints is refused exactly when there is nothing to search in."""

from __future__ import annotations

import pytest

from objectives.errors import SpaceError
from objectives.interior import check_room
from objectives.parameters import Parameter
from objectives.space import Categorical, Double, Grid, Int, LinearConstraint, SearchSpace

X, Y = Double("x", 0.0, 1.0), Double("y", 1e-3, 10.0, log=True)
A, G = Int("a", 1, 9), Grid("g", (0.5, 1.5, 4.0))
C = Categorical("c", ("off", "on"))
ON = Double("z", 5.0, 6.0, conditions=(("c", frozenset({"on"})),))


def space(*constraints: LinearConstraint, parameters: tuple[Parameter, ...] = (X, Y, A, G, C, ON)) -> SearchSpace:
    return SearchSpace(parameters, constraints)


@pytest.mark.parametrize(
    "weights",
    [{"x": 1.0, "a": -0.1}, {"y": 1.0, "x": 1.0}, {"g": 1.0, "a": 1.0}, {"z": 1.0, "x": 1.0}],
    ids=["real and whole", "log scale", "grid", "one that may be missing"],
)
def test_every_kind_of_number_can_stand_in_a_constraint(weights: dict[str, float]) -> None:
    check_room(space(LinearConstraint(weights, 0.2)))


@pytest.mark.parametrize(
    "constraints",
    [
        (LinearConstraint({"x": 1.0, "y": 1.0}, 12.0),),
        (LinearConstraint({"x": 1.0, "y": 1.0}, 2.0), LinearConstraint({"x": -1.0, "y": -1.0}, -1.0)),
        (LinearConstraint({"x": 1.0, "a": 1.0}, 2.0), LinearConstraint({"x": -1.0, "a": -1.0}, -2.0)),
        (LinearConstraint({"a": 2.0, "g": 2.0}, 3.5), LinearConstraint({"a": -2.0, "g": -2.0}, -4.5)),
    ],
    ids=["out of reach", "against each other", "a surface only", "between the values of a grid"],
)
def test_constraints_that_leave_nothing_are_refused(constraints: tuple[LinearConstraint, ...]) -> None:
    with pytest.raises(SpaceError, match="Infeasible constraints or empty set"):
        check_room(space(*constraints))
