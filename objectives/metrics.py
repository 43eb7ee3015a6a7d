"""What is measured: the direction of each metric, what it is for, and the only place where signs turn.

Inside `objectives` everything is maximised: `to_max` turns natural units on the way in, `from_max` on the way out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from objectives.composites import Expression
from objectives.errors import DataError
from objectives.shapes import Bools, Floats

__all__ = ["Metric"]


@dataclass(frozen=True)
class Metric:
    """A named number that producers measure.

    `objective`: which way is better. `strategy`: `optimize` (a trade-off objective), `constraint` (must reach its
    `threshold`) or `store` (kept, never modelled). `threshold`: worst acceptable value in natural units, inclusive;
    required for a constraint. `expression`: for a composite metric how it follows from others; it need not be measured.

    >>> latency = Metric("latency_ms", objective="minimize", strategy="optimize", threshold=20.0)
    >>> latency.to_max(np.array([5.0, 30.0])).tolist(), latency.acceptable(np.array([20.0, 30.0])).tolist()
    ([-5.0, -30.0], [True, False])
    """

    name: str
    objective: Literal["maximize", "minimize"] = "maximize"
    strategy: Literal["optimize", "constraint", "store"] = "optimize"
    threshold: float | None = None
    expression: Expression | None = None

    def __post_init__(self) -> None:
        if self.objective not in ("maximize", "minimize"):
            raise DataError(f"metric {self.name!r}: objective must be maximize or minimize", metric=self.name)
        if self.strategy not in ("optimize", "constraint", "store"):
            raise DataError(f"metric {self.name!r}: strategy must be optimize, constraint or store", metric=self.name)
        if self.strategy == "constraint" and self.threshold is None:
            raise DataError(f"metric {self.name!r}: a constraint needs a threshold", metric=self.name)
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise DataError(f"metric {self.name!r}: the threshold must be finite", metric=self.name)

    @property
    def sign(self) -> float:
        """+1 if larger is better, -1 if smaller is."""
        return 1.0 if self.objective == "maximize" else -1.0

    def to_max(self, values: Floats) -> Floats:
        """Natural units to maximised ones."""
        return self.sign * np.asarray(values, dtype=np.float64)

    def from_max(self, values: Floats) -> Floats:
        """Maximised units to natural ones."""
        return self.sign * np.asarray(values, dtype=np.float64) + 0.0

    @property
    def threshold_max(self) -> float | None:
        """The threshold in maximised units, None without one."""
        return None if self.threshold is None else self.sign * self.threshold

    def acceptable(self, values: Floats) -> Bools:
        """Mask of values that reach the threshold (inclusive); all but NaN do without one."""
        values = np.asarray(values, dtype=np.float64)
        if self.strategy == "store":
            return np.ones(values.shape, dtype=np.bool_)
        limit = -math.inf if self.threshold_max is None else self.threshold_max
        return np.asarray(self.to_max(values) >= limit, dtype=np.bool_)
