"""Metrics with a long tail of bad values, told to a model so that it still sees the good ones.

A stress that is a thousand times its limit somewhere, or a time that explodes: standardised as they are, all that
matters lies within a hundredth of a standard deviation, and a stationary model spends itself on the tail. Beyond a knee
values are therefore counted by their logarithm (after bilog, Eriksson & Poloczek 2021, and warped Gaussian processes,
Snelson, Rasmussen & Ghahramani 2004). Before it nothing changes, and no knee is above the threshold or the worst value
on the front, so that gains and hypervolume mean what they meant. All values are maximised.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from objectives.quantiles import quantiles
from objectives.shapes import Floats

__all__ = ["LINEAR", "Warp", "crossing", "tail"]

#: a tail is long when the worst value lies so many times as far below the knee as the good ones lie above
LONG = 20.0
#: what is good: between the median and this quantile of the first values
GOOD = 0.9
#: the yardstick is taken from so many values, the first: later ones crowd around the best
FIRST = 24
#: with fewer values nothing is said of tails
LEAST = 6
#: the logarithm is not undone further out than this many scales' exponents
FARTHEST = 30.0


@dataclass(frozen=True)
class Warp:
    """y between `low` and `high`; beyond them the distance x counts as scale log(1 + x / scale). Smooth, increasing.

    >>> warp = Warp(low=0.0, scale=2.0)
    >>> warp.forward(np.array([5.0, -2.0])).round(4).tolist(), warp.backward(warp.forward(np.array([-7.0]))).round(4)
    ([5.0, -1.3863], array([-7.]))
    """

    low: float = -np.inf
    high: float = np.inf
    scale: float = 1.0

    @property
    def linear(self) -> bool:
        """Whether it changes nothing."""
        return bool(np.isneginf(self.low) and np.isposinf(self.high))

    def forward(self, y: Floats) -> Floats:
        """Warped values (n,) of maximised ones."""
        y, s = np.asarray(y, dtype=np.float64), self.scale
        if self.linear:
            return y
        above, below = np.maximum(y - self.high, 0.0), np.maximum(self.low - y, 0.0)
        return np.asarray(np.clip(y, self.low, self.high) + s * (np.log1p(above / s) - np.log1p(below / s)))

    def backward(self, u: Floats) -> Floats:
        """Maximised values (n,) of warped ones, at most `FARTHEST` exponents out."""
        u, s = np.asarray(u, dtype=np.float64), self.scale
        if self.linear:
            return u
        above, below = np.maximum(u - self.high, 0.0) / s, np.maximum(self.low - u, 0.0) / s
        out = np.expm1(np.minimum(above, FARTHEST)) - np.expm1(np.minimum(below, FARTHEST))
        return np.asarray(np.clip(u, self.low, self.high) + s * out, dtype=np.float64)

    def slope(self, y: Floats) -> Floats:
        """Derivative (n,) of the warped value at y: what standard deviations of measurements are multiplied by."""
        beyond = np.maximum(np.maximum(y - self.high, self.low - y), 0.0)
        return np.asarray(1.0 / (1.0 + beyond / self.scale), dtype=np.float64)


LINEAR = Warp()


def tail(values: Floats, kept: float = np.inf) -> Warp:
    """The warp of an optimized metric: the knee at the first values' median, or at `kept` if that is lower.

    >>> tail(np.array([1.0, 2, 3, 4, 5, 6, 7, 8])).linear, tail(np.array([1.0, 2, 3, 4, 5, 6, 7, -800])).low
    (True, 3.5)
    """
    first = values[:FIRST]
    if len(first) < LEAST:
        return LINEAR
    middle, good = (float(found) for found in quantiles(first, (0.5, GOOD)))
    knee = min(float(kept), middle)
    return Warp(low=knee, scale=good - knee) if knee - values.min() > LONG * (good - knee) > 0 else LINEAR


def crossing(values: Floats, limit: float) -> Warp:
    """The warp of a constraint: what counts is on which side of the limit a value lies, so both sides bend.

    >>> crossing(np.array([-3.0, -1, 1, 1, 2, 3]), 0.0).linear, crossing(np.array([-300.0, -1, 1, 1, 2, 3]), 0.0).scale
    (True, 1.5)
    """
    away = np.abs(values - limit)
    if len(away) < LEAST:
        return LINEAR
    middle = float(np.median(away[:FIRST]))
    return Warp(limit, limit, middle) if away.max() > LONG * middle > 0 else LINEAR
