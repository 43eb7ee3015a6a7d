"""The search space: parameters, conditions and linear constraints, and the road between assignments and the unit cube.

First stop of every journey through the optimizer: here scales turn, nowhere else. Inactive parameters (whose conditions
do not hold) sit at the neutral coordinate 0.5, so that two configurations are the same exactly when their snapped
coordinates are.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from objectives.errors import SpaceError
from objectives.naturals import number, numbers, python_values
from objectives.parameters import Beta, Categorical, Double, Grid, Int, LinearConstraint, Normal, Parameter
from objectives.shapes import Assignments, Bools, Floats, Ints

__all__ = ["Beta", "Categorical", "Double", "Grid", "Int", "LinearConstraint", "Normal", "Parameter", "SearchSpace"]

#: coordinate of a parameter that does not exist in a configuration
NEUTRAL = 0.5
#: configurations, or combinations of parents of conditional parameters, that are counted one by one
COUNTED = 20_000
#: constraints may be missed by this share of their size, so that a point computed to lie on the border counts as inside
CONSTRAINT_TOLERANCE = 1e-9


@dataclass(frozen=True)
class SearchSpace:
    """Parameters with their conditions, and linear constraints over the numeric ones.

    Raises SpaceError, naming the parameter, for names used twice, conditions on anything but a value of a categorical,
    conditions in a circle, and constraints over unknown or categorical parameters.

    >>> space = SearchSpace((
    ...     Categorical("model", ("forest", "svm")),
    ...     Int("trees", 1, 9, conditions=(("model", frozenset({"forest"})),)),
    ...     Double("c", 0.0, 2.0, conditions=(("model", frozenset({"svm"})),)),
    ... ))
    >>> X = space.encode([{"model": "forest", "trees": 5}, {"model": "svm", "c": 1.0}])
    >>> X.tolist()
    [[0.25, 0.5, 0.5], [0.75, 0.5, 0.5]]
    >>> space.decode(X)
    [{'model': 'forest', 'trees': 5}, {'model': 'svm', 'c': 1.0}]
    """

    parameters: tuple[Parameter, ...]
    constraints: tuple[LinearConstraint, ...] = ()

    def __post_init__(self) -> None:
        _check_names(self)
        _check_conditions(self)
        _check_constraints(self)

    # -- sizes ---------------------------------------------------------------------------------------------------------
    @property
    def d(self) -> int:
        """Number of parameters, active or not: columns of the unit cube."""
        return len(self.parameters)

    @cached_property
    def size(self) -> float:
        """Number of distinct configurations; `math.inf` if any parameter is real.

        Linear constraints are counted exactly up to 20,000 configurations and left out above; conditions are left out
        above 20,000 branches. The number is an upper bound then.
        """
        if self._branch_bound > COUNTED:
            return math.prod(parameter.cardinality for parameter in self.parameters)
        free = sum(_branch_size(self, branch) for branch in self._branches())
        if math.isinf(free) or not self.constraints or free > COUNTED:
            return free
        return float(len(self.enumerate(COUNTED)))

    @cached_property
    def _branch_bound(self) -> float:
        return math.prod(self.parameters[k].cardinality for k in self._parents)

    def _branches(self) -> list[dict[int, float]]:
        """Every combination of the coordinates of categoricals that others depend on, inactive ones left out once."""
        parents = [k for k in self._order if k in self._parents]
        branches: list[dict[int, float]] = [{}]
        for k in parents:
            grown = []
            for branch in branches:
                if self._holds(branch, k):
                    grown += [{**branch, k: i} for i in range(len(_values(self.parameters[k])))]
                else:
                    grown.append(branch)
            branches = grown
        return branches

    def _holds(self, branch: dict[int, float], k: int) -> bool:
        return all(parent in branch and branch[parent] in indices for parent, indices in self._rules[k])

    def enumerate(self, limit: int) -> Floats:
        """Coordinates of all valid configurations (n, d) if there are at most `limit` before constraints, else (0,
        d)."""
        if self._branch_bound > COUNTED or sum(_branch_size(self, branch) for branch in self._branches()) > limit:
            return np.empty((0, self.d))
        rows = [row for branch in self._branches() for row in product(*self._choices(branch))]
        X = np.array(rows, dtype=np.float64).reshape(-1, self.d)
        return X[self.valid(X)]

    def _choices(self, branch: dict[int, float]) -> list[list[float]]:
        return [self._column_choices(branch, k) for k in range(self.d)]

    def _column_choices(self, branch: dict[int, float], k: int) -> list[float]:
        parameter = self.parameters[k]
        if not self._holds(branch, k):
            return [NEUTRAL]
        if k in branch:
            return [float(parameter.to_unit(np.array(branch[k])))]
        return [float(u) for u in self.levels[k]]

    @cached_property
    def levels(self) -> tuple[Floats, ...]:
        """For each parameter the coordinates it can take if there are at most 1,000 of them, else an empty array."""
        return tuple(_levels(parameter) for parameter in self.parameters)

    # -- tables, made once ---------------------------------------------------------------------------------------------
    @cached_property
    def index(self) -> dict[str, int]:
        """Column of each parameter, by name."""
        return {parameter.name: k for k, parameter in enumerate(self.parameters)}

    @cached_property
    def _rules(self) -> tuple[tuple[tuple[int, frozenset[int]], ...], ...]:
        return tuple(tuple(self._rule(*condition) for condition in p.conditions) for p in self.parameters)

    def _rule(self, parent: str, values: frozenset[str]) -> tuple[int, frozenset[int]]:
        names = _values(self.parameters[self.index[parent]])
        return self.index[parent], frozenset(names.index(value) for value in values)

    @cached_property
    def _allowed(self) -> tuple[tuple[tuple[int, Bools], ...], ...]:
        """The rules of each parameter, with a mask over the parent's values instead of a set of them."""
        return tuple(tuple((parent, self._mask(parent, indices)) for parent, indices in rules) for rules in self._rules)

    def _mask(self, parent: int, indices: frozenset[int]) -> Bools:
        return np.isin(np.arange(len(_values(self.parameters[parent]))), list(indices))

    @cached_property
    def _parents(self) -> frozenset[int]:
        return frozenset(parent for rules in self._rules for parent, _ in rules)

    @cached_property
    def _order(self) -> tuple[int, ...]:
        """Columns with every parent before its children."""
        done: list[int] = []
        while len(done) < self.d:
            done += [k for k in range(self.d) if k not in done and all(p in done for p, _ in self._rules[k])]
        return tuple(done)

    @cached_property
    def conditional(self) -> Bools:
        """Mask (d,) of parameters that have conditions."""
        return np.array([bool(p.conditions) for p in self.parameters], dtype=np.bool_)

    @cached_property
    def categorical(self) -> Bools:
        """Mask (d,) of parameters without order."""
        return np.array([isinstance(p, Categorical) for p in self.parameters], dtype=np.bool_)

    @cached_property
    def discrete(self) -> Bools:
        """Mask (d,) of parameters with countable values."""
        return np.array([math.isfinite(p.cardinality) for p in self.parameters], dtype=np.bool_)

    @cached_property
    def discrete_columns(self) -> tuple[int, ...]:
        """The columns of parameters with countable values."""
        return tuple(np.flatnonzero(self.discrete).tolist())

    @cached_property
    def _numbers_only(self) -> tuple[str, ...]:
        """The names, where every configuration has every parameter and each is a number; else nothing."""
        odd = self.categorical.any() or self.conditional.any()
        return () if odd else tuple(p.name for p in self.parameters)

    @cached_property
    def _weights(self) -> Floats:
        rows = [[c.weights.get(p.name, 0.0) for p in self.parameters] for c in self.constraints]
        return np.array(rows, dtype=np.float64).reshape(-1, self.d)

    # -- roads ---------------------------------------------------------------------------------------------------------
    def encode(self, assignments: Sequence[Assignments]) -> Floats:
        """Coordinates (n, d) of assignments; numbers outside the bounds are clipped to the cube.

        Producers may report points of their own, so a number need not lie within the bounds or on the grid; a category
        must exist, and every active parameter must be there. Values of inactive parameters are ignored.
        """
        plain = self._plain(assignments)
        if plain is not None:
            return plain
        X = np.empty((len(assignments), self.d))
        for k in self._order:
            X[:, k] = self._encode_column(k, assignments, self._active_column(k, X))
        return X

    def _plain(self, assignments: Sequence[Assignments]) -> Floats | None:
        """Coordinates where all is plain, finite numbers, as nearly always: at once; None for a look at each."""
        names = self._numbers_only
        rows = [[a.get(name) for name in names] for a in assignments] if names else []
        if not rows or not {type(value) for row in rows for value in row} <= {int, float}:
            return None
        natural = np.array(rows, dtype=np.float64)
        if not np.isfinite(natural).all():
            return None
        for k, parameter in enumerate(self.parameters):
            natural[:, k] = parameter.to_unit(natural[:, k])
        return np.asarray(natural.clip(0.0, 1.0), dtype=np.float64)

    def _encode_column(self, k: int, assignments: Sequence[Assignments], active: Bools) -> Floats:
        parameter = self.parameters[k]
        column = np.full(len(assignments), NEUTRAL)
        if active.any():
            natural = numbers(parameter, [assignments[i] for i in np.flatnonzero(active).tolist()])
            column[active] = np.clip(parameter.to_unit(natural), 0.0, 1.0)
        return column

    def decode(self, X: Floats) -> list[dict[str, Any]]:
        """Assignments with natural values: int, float or str; inactive parameters are left out."""
        X = np.atleast_2d(np.asarray(X, dtype=np.float64))
        active = self.active(X)
        columns = [python_values(p, p.from_unit(X[:, k])) for k, p in enumerate(self.parameters)]
        names = [p.name for p in self.parameters]
        return [{names[k]: columns[k][i] for k in range(self.d) if active[i, k]} for i in range(len(X))]

    def snap(self, X: Floats) -> Floats:
        """The nearest coordinates that stand for configurations; inactive parameters go to 0.5."""
        X = np.maximum(np.asarray(X, dtype=np.float64), 0.0)
        np.minimum(X, 1.0, out=X)
        for k in self.discrete_columns:
            X[:, k] = self.parameters[k].snap(X[:, k])
        return self._settle(X)

    def spread(self, U: Floats) -> Floats:
        """Coordinates for uniform numbers (n, d): by prior, evenly over grids, categories and so over branches."""
        X = np.array(U, dtype=np.float64)
        for k, parameter in enumerate(self.parameters):
            X[:, k] = parameter.spread(X[:, k])
        return self._settle(X)

    def _settle(self, X: Floats) -> Floats:
        if self._parents:
            X[~self.active(X)] = NEUTRAL
        return X

    def active(self, X: Floats) -> Bools:
        """Mask (n, d): which parameters exist in each configuration."""
        mask = np.ones(X.shape, dtype=np.bool_)
        chosen = {parent: self._index_column(parent, X) for parent in self._parents}
        for k in self._order:
            for parent, allowed in self._allowed[k]:
                mask[:, k] &= mask[:, parent] & allowed[chosen[parent]]
        return mask

    def _active_column(self, k: int, X: Floats) -> Bools:
        """Whether parameter k exists, when the columns of its parents are filled in and neutral where inactive."""
        mask = np.ones(len(X), dtype=np.bool_)
        for parent, allowed in self._allowed[k]:
            mask &= self._active_column(parent, X) & allowed[self._index_column(parent, X)]
        return mask

    def _index_column(self, k: int, X: Floats) -> Ints:
        return np.asarray(self.parameters[k].from_unit(X[:, k]), dtype=np.intp)

    def natural(self, X: Floats) -> Floats:
        """Natural values (n, d) as numbers; 0 for categoricals and inactive parameters. What constraints are summed
        over."""
        values = np.zeros(X.shape)
        for k, parameter in enumerate(self.parameters):
            if not isinstance(parameter, Categorical):
                values[:, k] = parameter.from_unit(X[:, k])
        return np.where(self.active(X), values, 0.0) if self.conditional.any() else values

    def slack(self, X: Floats) -> Floats:
        """By how much each linear constraint holds, (n, c) in its own units; negative where it does not."""
        total: Floats = self.natural(X) @ self._weights.T
        return np.asarray(total - [c.threshold for c in self.constraints], dtype=np.float64)

    def valid(self, X: Floats) -> Bools:
        """Mask (n,) of configurations that satisfy every linear constraint."""
        if not self.constraints:
            return np.ones(len(X), dtype=np.bool_)
        return np.asarray((self.slack(X) >= -CONSTRAINT_TOLERANCE * self._sizes).all(axis=1), dtype=np.bool_)

    @cached_property
    def _sizes(self) -> Floats:
        reach = [0.0 if isinstance(p, Categorical) else max(map(abs, _bounds(p))) for p in self.parameters]
        return np.asarray(np.abs(self._weights) @ np.array(reach) + np.finfo(np.float64).tiny, dtype=np.float64)

    # -- identity ------------------------------------------------------------------------------------------------------
    def key(self, assignments: Assignments) -> Hashable:
        """What two assignments share exactly when they are the same configuration.

        >>> space = SearchSpace((Int("a", 1, 3), Double("b", 0.0, 1.0)))
        >>> space.key({"b": 0.5, "a": 2}) == space.key({"a": 2.0, "b": 0.5})
        True
        """
        if self._numbers_only:
            plain: tuple[Any, ...] = tuple(map(assignments.get, self._numbers_only))
            if set(map(type, plain)) == {float} and math.isfinite(sum(plain)):
                return plain  # what nearly all are
        held: dict[int, float] = {}
        for k in self._order:
            if self._holds(held, k):
                held[k] = number(self.parameters[k], assignments)
        return tuple(held.get(k) for k in range(self.d))


def _values(parameter: Parameter) -> tuple[str, ...]:
    return parameter.values if isinstance(parameter, Categorical) else ()


def _bounds(parameter: Parameter) -> tuple[float, float]:
    if isinstance(parameter, Categorical):
        return 0.0, len(parameter.values) - 1.0
    return (
        (parameter.values[0], parameter.values[-1]) if isinstance(parameter, Grid) else (parameter.low, parameter.high)
    )


def _levels(parameter: Parameter) -> Floats:
    if parameter.cardinality > 1000:
        return np.empty(0)
    if isinstance(parameter, Grid):
        return parameter.points
    low = parameter.low if isinstance(parameter, Int) else 0
    return parameter.to_unit(low + np.arange(int(parameter.cardinality), dtype=np.float64))


def _branch_size(space: SearchSpace, branch: dict[int, float]) -> float:
    free = [k for k in range(space.d) if k not in branch and space._holds(branch, k)]
    return math.prod(space.parameters[k].cardinality for k in free)


# -- checks
# --------------------------------------------------------------------------------------------------------------
def _check_names(space: SearchSpace) -> None:
    if not space.parameters:
        raise SpaceError("a search space needs at least one parameter")
    names = [p.name for p in space.parameters]
    for name in names:
        if names.count(name) > 1:
            raise SpaceError(f"parameter {name!r} is declared more than once", parameter=name)


def _check_conditions(space: SearchSpace) -> None:
    kinds = {p.name: p for p in space.parameters}
    for p in space.parameters:
        for parent, values in p.conditions:
            known = _values(kinds[parent]) if parent in kinds else ()
            if not values or not set(values) <= set(known):
                message = f"parameter {p.name!r}: its condition needs values of a categorical parameter, got {parent!r}"
                raise SpaceError(f"{message} in {sorted(values)}", parameter=p.name, parent=parent)
        _check_circle(kinds, p, ())


def _check_circle(kinds: dict[str, Parameter], parameter: Parameter, path: tuple[str, ...]) -> None:
    if parameter.name in path:
        raise SpaceError(f"parameter {parameter.name!r}: its conditions form a circle", parameter=parameter.name)
    for parent, _ in parameter.conditions:
        if parent in kinds:
            _check_circle(kinds, kinds[parent], (*path, parameter.name))


def _check_constraints(space: SearchSpace) -> None:
    numeric = {p.name for p in space.parameters if not isinstance(p, Categorical)}
    for constraint in space.constraints:
        for name, weight in constraint.weights.items():
            if name not in numeric:
                raise SpaceError(f"a linear constraint needs numeric parameters, {name!r} is none", parameter=name)
            if not math.isfinite(weight):
                raise SpaceError(f"parameter {name!r}: its weight in a constraint must be finite", parameter=name)
        if not constraint.weights or not math.isfinite(constraint.threshold):
            raise SpaceError("a linear constraint needs weights and a finite threshold", parameter=None)
