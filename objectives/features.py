"""From the unit cube to the coordinates a kernel measures distances in.

Each parameter owns one or more columns. A number is itself. A category is one-hot, scaled so that two different names
are at squared distance 1 (Hamming). A conditional number lies on an arc around the origin, where it goes when inactive:
two inactive ones are at distance 0, an inactive and an active one at a constant (Swersky et al. 2013, "Raiders of the
Lost Architecture"). All of it Euclidean, so any kernel of the distance is a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from objectives.shapes import Bools, Floats, Ints
from objectives.space import SearchSpace
from objectives.tasks import fidelity

__all__ = ["FeatureMap"]

#: a quarter of a circle whose arc is as long as the interval: nearly straight, and its centre is 0.637 from every point
QUARTER = np.pi / 2.0


@dataclass(frozen=True)
class FeatureMap:
    """Coordinates (n, d) -> features (n, p); `owner` (p,) says which parameter a column belongs to.

    Where there are tasks (the `cheapest` costs less than 1) one more column, of an owner of its own, says how near to
    the real task a measurement was; whoever names no costs asks about the real one.

    >>> from objectives.space import Categorical, Double
    >>> features = FeatureMap(SearchSpace((Double("x", 0, 1), Categorical("kind", ("a", "b")))))
    >>> features(np.array([[0.3, 0.25]])).round(3).tolist(), features.owner.tolist()
    ([[0.3, 0.707, 0.0]], [0, 1, 1])
    """

    space: SearchSpace
    cheapest: float = 1.0

    @cached_property
    def plain(self) -> bool:
        """Whether features are the coordinates themselves."""
        return not (self.space.categorical.any() or self.space.conditional.any())

    @cached_property
    def owner(self) -> Ints:
        """Parameter of each feature column."""
        widths = [self._width(k) for k in range(self.space.d)] + [1] * (self.cheapest < 1.0)
        return np.repeat(np.arange(len(widths)), widths)

    @property
    def owners(self) -> int:
        """How many there are: length scales of a model."""
        return self.space.d + (self.cheapest < 1.0)

    def _width(self, k: int) -> int:
        if self.space.categorical[k]:
            return int(self.space.parameters[k].cardinality)
        return 2 if self.space.conditional[k] else 1

    def __call__(self, X: Floats, costs: Floats | None = None) -> Floats:
        """Features of snapped coordinates, measured at tasks of these costs (n,); the cost is that of copying."""
        Z = self._of_space(X)
        if self.cheapest == 1.0:
            return Z
        return np.column_stack([Z, fidelity(np.ones(len(X)) if costs is None else costs, self.cheapest)])

    def _of_space(self, X: Floats) -> Floats:
        if self.plain:
            return X
        active = self.space.active(X)
        return np.hstack([self._columns(k, X[:, k], active[:, k]) for k in range(self.space.d)])

    def _columns(self, k: int, x: Floats, active: Bools) -> Floats:
        if self.space.categorical[k]:
            names = self.space.parameters[k].from_unit(x)
            hot = names[:, None] == np.arange(self._width(k))
            return np.asarray(np.sqrt(0.5) * (hot & active[:, None]), dtype=np.float64)
        if not self.space.conditional[k]:
            return x[:, None]
        arc = np.column_stack([np.cos(QUARTER * x), np.sin(QUARTER * x)]) / QUARTER
        return np.asarray(np.where(active[:, None], arc, 0.0), dtype=np.float64)
