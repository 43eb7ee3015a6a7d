"""The kinds of parameters, and how each maps its natural values to one column of the unit cube.

Every kind answers the same questions: `cardinality`, `to_unit` (natural -> [0, 1]), `from_unit` (back, snapping),
`snap` (to a coordinate that stands for a value) and `spread` (uniform number -> coordinate, by prior or evenly over the
values). `objectives.space` puts them together and checks them against each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from objectives.errors import SpaceError
from objectives.shapes import Floats, Ints

__all__ = ["Beta", "Categorical", "Condition", "Double", "Grid", "Int", "LinearConstraint", "Normal", "Parameter"]

#: (name of a categorical parent, the values of it under which the parameter exists)
Condition = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class Normal:
    """Prior belief that good values lie around `mean`, give or take `scale` (natural units), cut off at the bounds.

    It shapes where random and quasi-random points fall, never what a model believes.
    """

    mean: float
    scale: float

    def quantile(self, u: Floats, low: float, high: float) -> Floats:
        """Values with the probabilities `u` under the normal truncated to [low, high]."""
        below, above = ndtr((np.array([low, high]) - self.mean) / self.scale)
        inner = self.mean + self.scale * ndtri(below + u * (above - below))
        return np.asarray(np.clip(inner, low, high), dtype=np.float64)


@dataclass(frozen=True)
class Beta:
    """Prior belief Beta(a, b) over the range from `low` to `high`; Beta(1, 1) is uniform."""

    a: float
    b: float

    def quantile(self, u: Floats, low: float, high: float) -> Floats:
        """Values with the probabilities `u` under Beta(a, b) stretched over [low, high]."""
        return np.asarray(
            low + (high - low) * betaincinv(self.a, self.b, np.clip(u, 1e-12, 1.0 - 1e-12)), dtype=np.float64
        )


@dataclass(frozen=True)
class Double:
    """A real number between `low` and `high`; with `log` its magnitude matters, not its difference.

    >>> Double("lr", 1e-4, 1.0, log=True).from_unit(np.array([0.5])).round(12).tolist()
    [0.01]
    """

    name: str
    low: float
    high: float
    log: bool = False
    prior: Normal | Beta | None = None
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        _check_range(self.name, self.low, self.high, log=self.log)
        _check_prior(self)

    @property
    def cardinality(self) -> float:
        """How many values there are: not countable."""
        return math.inf

    def to_unit(self, values: Floats) -> Floats:
        """Coordinates of natural values; outside the bounds they fall outside [0, 1]."""
        return _scale(values, self.low, self.high, log=self.log)

    def from_unit(self, u: Floats) -> Floats:
        """Natural values, never outside the bounds."""
        return np.clip(_unscale(u, self.low, self.high, log=self.log), self.low, self.high)

    def snap(self, u: Floats) -> Floats:
        """The nearest coordinate that stands for a value."""
        return np.clip(u, 0.0, 1.0)

    def spread(self, u: Floats) -> Floats:
        """Coordinates of the quantiles `u` of the prior (uniform on the scale without one)."""
        if self.prior is None:
            return self.snap(u)
        return self.snap(self.to_unit(self.prior.quantile(u, self.low, self.high)))


@dataclass(frozen=True)
class Int:
    """A whole number from `low` to `high`, both included. Each has a cell of the unit interval, and sits inside it.

    >>> Int("layers", 1, 4).to_unit(np.array([1.0, 4.0])).tolist()
    [0.125, 0.875]
    """

    name: str
    low: int
    high: int
    log: bool = False
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        _check_range(self.name, self.low, self.high, log=self.log)
        if int(self.low) != self.low or int(self.high) != self.high:
            raise SpaceError(f"parameter {self.name!r}: bounds of an int must be whole numbers", parameter=self.name)

    @property
    def cardinality(self) -> float:
        """How many values there are."""
        return float(self.high - self.low + 1)

    def to_unit(self, values: Floats) -> Floats:
        """Coordinates of natural values; the bounds sit half a cell inside the interval."""
        return _scale(values, self.low - 0.5, self.high + 0.5, log=self.log)

    def from_unit(self, u: Floats) -> Floats:
        """Natural values: the whole number in whose cell `u` lies."""
        return np.clip(np.rint(_unscale(u, self.low - 0.5, self.high + 0.5, log=self.log)), self.low, self.high)

    def snap(self, u: Floats) -> Floats:
        """The coordinate of the whole number in whose cell `u` lies."""
        return self.to_unit(self.from_unit(np.clip(u, 0.0, 1.0)))

    def spread(self, u: Floats) -> Floats:
        """Uniform over the cells, so uniform over the numbers (over their magnitude with `log`)."""
        return self.snap(u)


@dataclass(frozen=True)
class Grid:
    """One of a few ordered numbers. Coordinates keep their distances (of the logarithms with `log`); draws are even.

    >>> grid = Grid("batch", (16.0, 32.0, 128.0), log=True)
    >>> grid.to_unit(np.array([16.0, 32.0, 128.0])).round(3).tolist(), grid.spread(np.array([0.4])).round(3).tolist()
    ([0.0, 0.333, 1.0], [0.333])
    """

    name: str
    values: tuple[float, ...]
    log: bool = False
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if len(self.values) < 2 or any(b <= a for a, b in zip(self.values, self.values[1:], strict=False)):
            message = f"parameter {self.name!r}: a grid needs at least two values, each above the one before"
            raise SpaceError(message, parameter=self.name, values=self.values)
        _check_range(self.name, self.values[0], self.values[-1], log=self.log)

    @property
    def cardinality(self) -> float:
        """How many values there are."""
        return float(len(self.values))

    @property
    def points(self) -> Floats:
        """The coordinates of the values, ascending from 0 to 1."""
        return self.to_unit(np.asarray(self.values, dtype=np.float64))

    def to_unit(self, values: Floats) -> Floats:
        """Coordinates of natural values (also of ones that are not on the grid)."""
        return _scale(values, self.values[0], self.values[-1], log=self.log)

    def from_unit(self, u: Floats) -> Floats:
        """The natural value nearest to `u`."""
        return np.asarray(np.array(self.values, dtype=np.float64)[self._nearest(u)], dtype=np.float64)

    def snap(self, u: Floats) -> Floats:
        """The nearest coordinate that stands for a value."""
        return np.asarray(self.points[self._nearest(u)], dtype=np.float64)

    def spread(self, u: Floats) -> Floats:
        """Each value is equally likely, however uneven the grid."""
        index = np.minimum((np.clip(u, 0.0, 1.0) * len(self.values)).astype(np.intp), len(self.values) - 1)
        return np.asarray(self.points[index], dtype=np.float64)

    def _nearest(self, u: Floats) -> Ints:
        middles = (self.points[1:] + self.points[:-1]) / 2.0
        return np.searchsorted(middles, u)


@dataclass(frozen=True)
class Categorical:
    """One of a few names without order. Coordinates are the middles of equal cells; models compare names, not cells."""

    name: str
    values: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        if not self.values or len(set(self.values)) != len(self.values):
            message = f"parameter {self.name!r}: a categorical needs values, each of them once"
            raise SpaceError(message, parameter=self.name, values=self.values)

    @property
    def cardinality(self) -> float:
        """How many values there are."""
        return float(len(self.values))

    def to_unit(self, values: Floats) -> Floats:
        """Coordinates of indices into `values`."""
        return (np.asarray(values, dtype=np.float64) + 0.5) / len(self.values)

    def from_unit(self, u: Floats) -> Floats:
        """Indices into `values`."""
        return np.clip(np.floor(np.asarray(u) * len(self.values)), 0, len(self.values) - 1)

    def snap(self, u: Floats) -> Floats:
        """The middle of the cell in which `u` lies."""
        return self.to_unit(self.from_unit(u))

    def spread(self, u: Floats) -> Floats:
        """Each name is equally likely."""
        return self.snap(u)


Parameter = Double | Int | Categorical | Grid


@dataclass(frozen=True)
class LinearConstraint:
    """sum of weight times value must be at least `threshold`, in natural units; a parameter that is inactive counts
    as 0."""

    weights: Mapping[str, float]
    threshold: float


def _check_range(name: str, low: float, high: float, *, log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        message = f"parameter {name!r}: expected finite bounds with low < high, got {low!r} and {high!r}"
        raise SpaceError(message, parameter=name, low=low, high=high)
    if log and low <= 0:
        message = f"parameter {name!r}: a log scale needs bounds above zero, got low = {low!r}"
        raise SpaceError(message, parameter=name, low=low)


def _check_prior(parameter: Double) -> None:
    prior, name = parameter.prior, parameter.name
    if prior is not None and parameter.log:
        raise SpaceError(f"parameter {name!r}: a prior and a log scale cannot be combined", parameter=name)
    sizes = {"scale": prior.scale} if isinstance(prior, Normal) else {"a": prior.a, "b": prior.b} if prior else {}
    for word, value in sizes.items():
        if not (math.isfinite(value) and value > 0):
            raise SpaceError(
                f"parameter {name!r}: the prior's {word} must be above zero, got {value!r}", parameter=name
            )


def _scale(values: Floats, low: float, high: float, *, log: bool) -> Floats:
    values = np.asarray(values, dtype=np.float64)
    if not log:
        return (values - low) / (high - low)
    return np.asarray(np.log(np.maximum(values, low * 1e-3) / low) / math.log(high / low), dtype=np.float64)


def _unscale(u: Floats, low: float, high: float, *, log: bool) -> Floats:
    if not log:
        return low + np.asarray(u, dtype=np.float64) * (high - low)
    return np.asarray(low * np.exp(np.asarray(u) * math.log(high / low)), dtype=np.float64)
