"""The model of a composite metric: the models of its parts, carried through its expression.

Looks like a Gaussian process from outside (`objectives.surrogates.Surrogate`); inside nothing is fitted. Knowing the
form of a business metric, the optimizer needs fewer results than with a black box of it (Astudillo & Frazier 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from objectives.composites import Expression
from objectives.shapes import Floats
from objectives.surrogates import Surrogate

__all__ = ["Composed", "Part"]


@dataclass(frozen=True)
class Part:
    """The surrogate of one metric of an expression; sign turns its maximised units into natural ones."""

    sign: float
    gp: Surrogate

    def predict(self, Z: Floats) -> tuple[Floats, Floats]:
        """Mean and variance (c,) in natural units."""
        mean, var = self.gp.predict(Z)
        return self.sign * mean, var


@dataclass(frozen=True)
class Composed:
    """Normal approximation of an expression of independent normal parts, maximised by `sign`.

    mean and sd standardise it, as the observed values of the composite do. Where the expression has no value (the
    logarithm of a negative mean) the prediction is three standard deviations below the mean, with one of doubt.
    """

    expression: Expression
    parts: Mapping[str, Part]
    sign: float
    mean: float
    sd: float

    def __len__(self) -> int:
        return min(len(part.gp) for part in self.parts.values())

    @property
    def noisy(self) -> bool:
        """Whether any part is."""
        return any(part.gp.noisy for part in self.parts.values())

    @property
    def lengths(self) -> Floats:
        """Length scales (d,): for each parameter the shortest of the parts'."""
        return np.asarray(np.min([part.gp.lengths for part in self.parts.values()], axis=0), dtype=np.float64)

    def predict(self, Z: Floats) -> tuple[Floats, Floats]:
        """Mean and variance (c,) in maximised units. The cost of predicting every part."""
        found = {name: part.predict(Z) for name, part in self.parts.items()}
        mean, var = self.expression.moments(
            {name: mean for name, (mean, _) in found.items()}, {name: var for name, (_, var) in found.items()}
        )
        lost = np.isnan(mean)
        mean = np.where(lost, self.mean - 3.0 * self.sd, self.sign * mean)
        return mean, np.where(lost, self.sd**2, np.maximum(var, 1e-12 * self.sd**2))

    def standard(self, Z: Floats) -> tuple[Floats, Floats]:
        """Mean and variance (c,) in standardised units."""
        mean, var = self.predict(Z)
        return self.standardise(mean), var / self.sd**2

    def standard_mean(self, Z: Floats) -> Floats:
        """Mean (c,) alone, standardised."""
        return self.standard(Z)[0]

    def standardise(self, values: Floats) -> Floats:
        """Maximised units to standardised ones."""
        return (np.asarray(values, dtype=np.float64) - self.mean) / self.sd

    def believe(self, Z: Floats) -> Composed:
        """The parts after seeing their own means at Z."""
        return replace(self, parts={n: Part(p.sign, p.gp.believe(Z)) for n, p in self.parts.items()})

    def draw(self, Z: Floats, rng: np.random.Generator) -> Floats:
        """One joint draw (c,), standardised: a draw of each part, put into the expression."""
        return np.asarray(self.draws(Z, 1, rng)[0], dtype=np.float64)

    def draws(self, Z: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws (count, c), standardised."""
        drawn = {n: p.sign * p.gp.unstandardise(p.gp.draws(Z, count, rng)) for n, p in self.parts.items()}
        value = self.standardise(self.sign * self.expression(drawn))
        return np.where(np.isnan(value), -3.0, value)

    def unstandardise(self, values: Floats) -> Floats:
        """Standardised units to maximised ones."""
        return self.mean + self.sd * np.asarray(values, dtype=np.float64)
