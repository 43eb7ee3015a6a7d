"""The models of one experiment: a GP a metric, one of success, and their own Pareto population.

Values that predict, survive a round trip through JSON, and begin the next fit (`objectives.fitting`) where the last
one ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from objectives.errors import FitError
from objectives.features import FeatureMap
from objectives.gp import GP
from objectives.problem import Data, Problem
from objectives.shapes import Assignments, Bools, Floats
from objectives.surrogates import Surrogate

__all__ = ["FitQuality", "Models"]

#: numbers of the population that may be stored: Models.to_dict stays under 50 kB
STORED_NUMBERS = 2_000


@dataclass(frozen=True)
class FitQuality:
    """How well a GP foretells each value from the others (leave-one-out, closed form).

    r2: share of variance explained, 1 is perfect, 0 or less is no better than the mean. coverage: share of values
    inside the central 95 % interval. log_density: mean log predictive density in units of the metric's standard
    deviation. A metric with a long tail is judged as its model sees it (`objectives.warping`).
    """

    n: int
    r2: float
    coverage: float
    log_density: float


@dataclass(frozen=True)
class Models:
    """What is believed after the data. Made by `fit`; frozen.

    gps (k,): one a metric, None for stored ones and for those never measured. success: GP of the share of observations
    that did not fail, None while none failed. population (p, d): where the models see the Pareto set. notes: what was
    degraded and why, for people. generation: number of searches for hyperparameters behind these; fitted_at: number of
    configurations at the last one, seen: at the last fit. thetas, kernels: hyperparameters and kernel by metric;
    beaten: the kernels that lost so clearly when they were last tried that they rest at the next choice.
    """

    problem: Problem | None = None
    data: Data | None = None
    gps: tuple[Surrogate | None, ...] = ()
    success: GP | None = None
    population: Floats = field(default_factory=lambda: np.empty((0, 0)))
    generation: int = 0
    notes: tuple[str, ...] = ()
    thetas: Mapping[str, Floats] = field(default_factory=dict)
    fitted_at: int = 0
    kernels: Mapping[str, str] = field(default_factory=dict)
    seen: int = 0
    beaten: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def conditioned(self) -> bool:
        """Whether the models know their data; those from `from_dict` do not until `fit(..., refit=False)`."""
        return self.problem is not None

    @cached_property
    def features(self) -> FeatureMap:
        """The map from the unit cube to the models' coordinates."""
        return FeatureMap(self._problem.space, self._problem.cheapest)

    @property
    def _problem(self) -> Problem:
        if self.problem is None:
            raise FitError(
                "these models were read from a dict: call fit(problem, data, previous=..., refit=False) first"
            )
        return self.problem

    def predict(self, assignments: Sequence[Assignments]) -> tuple[Floats, Floats]:
        """Mean and standard deviation (n, k) of the noise-free metrics in natural units; NaN where there is no model.

        O(n N^2) for N observations. FitError for models that were never conditioned.
        """
        return self.predict_at(self._problem.space.encode(assignments))

    def predict_at(self, X: Floats) -> tuple[Floats, Floats]:
        """`predict` for coordinates (n, d) of the unit cube."""
        mean, sd = np.full((2, len(X), self._problem.k), np.nan)
        Z = self.features(X)
        for j, gp in enumerate(self.gps):
            if gp is not None:
                mean[:, j], var = gp.predict(Z)
                sd[:, j] = np.sqrt(var)
        return self._problem.turn(mean), sd

    @cached_property
    def fit_quality(self) -> dict[str, FitQuality]:
        """Leave-one-out quality of each metric's GP, by name; metrics with fewer than three values are left out."""
        named = zip(self._problem.metrics, self.gps, strict=True)
        return {metric.name: _quality(gp, self._real(gp)) for metric, gp in named if isinstance(gp, GP) and len(gp) > 2}

    def _real(self, gp: GP) -> Bools:
        """Mask of the values of a GP that the real task gave; all of them where no value is real."""
        real: Bools = gp.sample.Z[:, -1] == 1.0
        return real if self._problem.tasks and real.any() else np.ones(len(gp), dtype=np.bool_)

    def believe(self, X: Floats, costs: Floats | None = None) -> Models:
        """The models as if X (c, d) had been measured and gave the predicted means: what pending points stand for.

        `costs` (c,): of the tasks they are measured at, the real one without.
        """
        Z = self.features(X, costs)
        gps = tuple(gp.believe(Z) if gp is not None else None for gp in self.gps)
        return replace(self, gps=gps)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe dict, under 50 kB, from which the next fit can start."""
        kept = self.population[: max(1, STORED_NUMBERS // max(self.population.shape[1], 1))]
        return {
            "version": 1,
            "generation": self.generation,
            "fitted_at": self.fitted_at,
            "seen": self.seen,
            "notes": list(self.notes),
            "kernels": dict(self.kernels),
            "beaten": {name: list(kernels) for name, kernels in self.beaten.items()},
            "thetas": {name: [float(f"{t:.6g}") for t in theta] for name, theta in self.thetas.items()},
            "population": [[round(float(u), 5) for u in row] for row in kept],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Models:
        """Models as far as `to_dict` kept them: good as `previous` for `fit`, not yet able to predict."""
        population = np.array(stored.get("population", []), dtype=np.float64)
        return cls(
            population=population.reshape(len(population), -1) if len(population) else np.empty((0, 0)),
            generation=int(stored["generation"]),
            fitted_at=int(stored.get("fitted_at", 0)),
            seen=int(stored.get("seen", stored.get("fitted_at", 0))),
            notes=tuple(stored.get("notes", ())),
            kernels=dict(stored.get("kernels", {})),
            beaten={name: tuple(kernels) for name, kernels in stored.get("beaten", {}).items()},
            thetas={name: np.array(theta, dtype=np.float64) for name, theta in stored["thetas"].items()},
        )


def _quality(gp: GP, rows: Bools) -> FitQuality:
    mean, var = (found[rows] for found in gp.leave_one_out())
    y = gp.y[rows]
    error = y - mean
    total = float(np.square(y - y.mean()).sum())
    density = -0.5 * np.log(2.0 * np.pi * var) - 0.5 * error**2 / var
    return FitQuality(
        n=len(y),
        r2=1.0 - float(error @ error) / total if total > 0 else 0.0,
        coverage=float((np.abs(error) <= 1.96 * np.sqrt(var)).mean()),
        log_density=float(density.mean()),
    )
