"""What strategies ask of the model of a metric, whichever kind it is.

`objectives.gp.GP` answers from data, `objectives.composed.Composed` from the models of its parts.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from objectives.shapes import Floats

__all__ = ["Surrogate"]


class Surrogate(Protocol):
    """A normal belief about one metric; features Z (c, p) in, values of the noise-free function out."""

    def __len__(self) -> int: ...

    @property
    def noisy(self) -> bool:
        """Whether its mean tells more of the function than a single measurement."""
        ...

    @property
    def lengths(self) -> Floats:
        """Length scales (d,)."""
        ...

    def standard(self, Z: Floats) -> tuple[Floats, Floats]:
        """Mean and variance (c,), standardised."""
        ...

    def standard_mean(self, Z: Floats) -> Floats:
        """Mean (c,), standardised."""
        ...

    def predict(self, Z: Floats) -> tuple[Floats, Floats]:
        """Mean and variance (c,) in maximised units."""
        ...

    def standardise(self, values: Floats) -> Floats:
        """Maximised units to standardised ones."""
        ...

    def unstandardise(self, values: Floats) -> Floats:
        """Standardised units to maximised ones."""
        ...

    def believe(self, Z: Floats) -> Surrogate:
        """The model after seeing its own means at Z."""
        ...

    def draw(self, Z: Floats, rng: np.random.Generator) -> Floats:
        """One joint draw (c,), standardised."""
        ...

    def draws(self, Z: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws (count, c), standardised."""
        ...
