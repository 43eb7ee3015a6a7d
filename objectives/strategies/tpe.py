"""tpe: where good configurations are dense and others are not, without a model of the metrics.

Tree-structured Parzen estimator (Bergstra et al. 2011; for several objectives by non-dominated rank, Ozaki et al.
2020). Cheap for thousands of results, and at home among categories and conditions.
"""

from __future__ import annotations

import numpy as np

from objectives.safe_math import log_sum_exp
from objectives.shapes import Bools, Floats
from objectives.space import SearchSpace
from objectives.strategies.nsga2 import first_free, ranked
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["log_density", "tpe"]

#: share of the rows that counts as good, at most so many of them; candidates drawn
GOOD, MOST, DRAWN = 0.2, 25, 64
#: weight of the uniform density mixed into every estimate
UNIFORM = 0.1


def tpe(state: State, rng: np.random.Generator) -> Proposal:
    """Of some draws from the density of good rows the one with the largest ratio to the density of the others."""
    if len(state.complete) < state.design_size:
        return quasi_random(state, rng)
    order = ranked(state)
    count = min(max(2, int(GOOD * len(order))), MOST)
    good, rest = state.observed[order[:count]], state.observed[order[count:]]
    X = _drawn(state.problem.space, good, rng)
    ratio = log_density(state.problem.space, good, X) - log_density(state.problem.space, rest, X)
    reason = f"Looks like the best {count} configurations and unlike the others."
    return first_free(state, X[np.argsort(-ratio, kind="stable")], "tpe", reason, rng)


def _drawn(space: SearchSpace, good: Floats, rng: np.random.Generator) -> Floats:
    """Each coordinate from the kernel around a random good row, sometimes from everywhere; only valid rows."""
    home = good[rng.integers(len(good), size=4 * DRAWN)]
    moved = home + _width(len(good)) * rng.normal(size=home.shape)
    moved = np.where(moved < 0, -moved, np.where(moved > 1, 2 - moved, moved))
    moved = np.where(_stays(space, rng.random(home.shape), len(good)), home, moved)
    anywhere = space.spread(rng.random(home.shape))
    X = space.snap(np.where(rng.random(home.shape) < UNIFORM, anywhere, moved))
    X = X[space.valid(X)]
    return X[:DRAWN] if len(X) else good


def _stays(space: SearchSpace, dice: Floats, n: int) -> Bools:
    """Categories keep their value with the probability their kernel gives it."""
    return np.asarray(space.categorical & (dice < 1.0 - 1.0 / np.sqrt(n + 1.0)), dtype=np.bool_)


def _width(n: int) -> float:
    return float(0.25 * n ** (-0.2))


def log_density(space: SearchSpace, rows: Floats, X: Floats) -> Floats:
    """log of the product over parameters of kernel densities of `rows` (n, d), at X (c, d); O(c n d).

    Numbers have Gaussian kernels in the unit cube, categories count with a little smoothing; all are mixed with 10 %
    uniform. Inactive parameters sit at their neutral coordinate, where both densities agree.
    """
    total = np.zeros(len(X))
    width = _width(max(len(rows), 1))
    for k in range(space.d):
        gap = X[:, k, None] - rows[None, :, k]
        if space.categorical[k]:
            share = (np.abs(gap) < 1e-9).sum(axis=1) + 1.0
            part = np.log(share / (len(rows) + space.parameters[k].cardinality))
        else:
            kernel = -0.5 * (gap / width) ** 2 - np.log(width * np.sqrt(2 * np.pi) * max(len(rows), 1))
            part = log_sum_exp(kernel, axis=1) if len(rows) else np.full(len(X), -np.inf)
        total += np.logaddexp(np.log(1.0 - UNIFORM) + part, np.log(UNIFORM))
    return total
