"""Moves in the unit cube and the models' own Pareto population: where the search for candidates starts.

A small evolutionary search on posterior means (after NSGA-II, Deb et al. 2002), kept from fit to fit, so that a few
generations each time follow the models. Every move yields snapped, valid coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from objectives.features import FeatureMap
from objectives.pareto import violation_order
from objectives.problem import Problem
from objectives.sampling import uniform_points
from objectives.shapes import Floats
from objectives.space import SearchSpace
from objectives.surrogates import Surrogate

__all__ = ["GENERATIONS", "SIZE", "differential", "evolve", "perturb", "repair"]

#: points kept, and generations for each fit
SIZE, GENERATIONS = 80, 4
STEPS = np.array([0.2, 0.05, 0.015])


def perturb(
    space: SearchSpace, X: Floats, sd: Floats | float, rng: np.random.Generator, *, edges: bool = False
) -> Floats:
    """One neighbour of each row of X (n, d): a random subset of coordinates moved by N(0, sd^2), sd a number or (n, 1).

    Integers and grid values move by at least one step, categories change to another one. What would leave the box is
    folded back inside, or with `edges` ends on its edge.
    """
    n, d = X.shape
    share = np.array([1.0 / d, 0.4, 1.0])[rng.integers(3, size=(n, 1))]
    chosen = rng.random((n, d)) < share
    chosen[np.arange(n), rng.integers(d, size=n)] = True
    moved = np.where(chosen, X + rng.normal(size=(n, d)) * sd, X)
    for k in space.discrete_columns:
        moved[:, k] = _hop(space, k, X[:, k], moved[:, k], rng)
    return repair(space, space.snap(moved if edges else _reflect(moved)), X)


def _reflect(X: Floats) -> Floats:
    """Fold what stepped outside back in, once; further out is cut off."""
    X = np.abs(X)
    np.minimum(X, 2.0 - X, out=X)
    return np.maximum(X, 0.0, out=X)


def _hop(space: SearchSpace, k: int, old: Floats, new: Floats, rng: np.random.Generator) -> Floats:
    """Discrete values that were to move but would snap back: a random category, or the next value in that direction."""
    parameter = space.parameters[k]
    if space.categorical[k]:
        fresh = parameter.spread(rng.random(len(old)))
        return np.where(new == old, old, fresh)
    stuck = (new != old) & (parameter.snap(np.clip(new, 0, 1)) == old)
    if not stuck.any() or len(space.levels[k]) == 0:
        return new
    levels = space.levels[k]
    place = np.searchsorted(levels, old - 1e-9) + np.where(new > old, 1, -1)
    return np.where(stuck, levels[np.clip(place, 0, len(levels) - 1)], new)


def repair(space: SearchSpace, X: Floats, home: Floats) -> Floats:
    """Rows that break a linear constraint pulled towards `home` (same shape, valid), halving the way; else home
    itself."""
    if not space.constraints:
        return X
    for share in (0.5, 0.25, 0.1, 0.0):
        bad = ~space.valid(X)
        if not bad.any():
            break
        X[bad] = space.snap(home[bad] + share * (X[bad] - home[bad])) if share else home[bad]
    return X


def differential(
    space: SearchSpace, best: Floats, pool: Floats, rng: np.random.Generator, *, edges: bool = False
) -> Floats:
    """Each of `best` (n, d) moved along half the difference of two random rows of `pool` (Storn & Price 1997).

    `edges` as for `perturb`.
    """
    a, b = pool[rng.integers(len(pool), size=(2, len(best)))]
    mask = rng.random(best.shape) < 0.7
    moved = best + rng.uniform(0.2, 0.9, (len(best), 1)) * (a - b) * mask
    return repair(space, space.snap(moved if edges else _reflect(moved)), best)


def evolve(
    problem: Problem,
    features: FeatureMap,
    gps: Sequence[Surrogate | None],
    population: Floats,
    X: Floats,
    *,
    rng: np.random.Generator,
    generations: int = GENERATIONS,
) -> Floats:
    """The next population (at most SIZE, d): non-dominated by posterior means, feasible ones first, well spread.

    `population` (p, d) is the last one (may be empty), X (n, d) what was observed. O(generations SIZE n m).
    """
    space = problem.space
    fresh = SIZE if len(population) == 0 or population.shape[1] != space.d else SIZE // 8
    old = population if fresh < SIZE else np.empty((0, space.d))
    pool = space.snap(np.vstack([old, X, uniform_points(space, fresh, rng)]))
    pool = _distinct(pool[space.valid(pool)], pool[:0])
    if all(gp is None for gp in gps):
        return pool[:SIZE]
    pool, seen = _select(problem, gps, *_foreseen(features, gps, pool))
    for _ in range(generations):
        children, means = _foreseen(features, gps, _distinct(_children(problem, pool, rng), pool))
        pool, seen = _select(problem, gps, np.vstack([pool, children]), np.vstack([seen, means]))
    return pool


def _children(problem: Problem, pool: Floats, rng: np.random.Generator) -> Floats:
    """Half uniform crossover of two parents, half perturbations in three step sizes."""
    space, half = problem.space, SIZE // 2
    a, b = pool[rng.integers(len(pool), size=(2, half))]
    crossed = repair(space, space.snap(np.where(rng.random(a.shape) < 0.5, a, b)), a)
    steps = STEPS[rng.integers(len(STEPS), size=(half, 1))]
    return np.vstack(
        [crossed, perturb(space, pool[rng.integers(len(pool), size=half)], steps, rng, edges=problem.m > 1)]
    )


def _distinct(X: Floats, known: Floats) -> Floats:
    """The rows of X (c, d) that are not among the `known` (k, d), each once."""
    seen = set(_names(known))
    first = dict(zip(reversed(_names(X)), range(len(X) - 1, -1, -1), strict=True))
    return X[sorted(i for name, i in first.items() if name not in seen)]


def _names(X: Floats) -> list[bytes]:
    """Each row's bytes: what equal rows share."""
    whole = np.ascontiguousarray(X)
    found: list[bytes] = whole.view(f"V{whole.itemsize * whole.shape[1]}").ravel().tolist() if whole.size else []
    return found


def _foreseen(features: FeatureMap, gps: Sequence[Surrogate | None], X: Floats) -> tuple[Floats, Floats]:
    """X (c, d) with its posterior means (c, k), standardised, NaN where there is no model."""
    Z = features(X)
    means = np.full((len(X), len(gps)), np.nan)
    for j, gp in enumerate(gps):
        if gp is not None:
            means[:, j] = gp.standard_mean(Z)
    return X, means


def _select(problem: Problem, gps: Sequence[Surrogate | None], X: Floats, means: Floats) -> tuple[Floats, Floats]:
    """The best SIZE of X (c, d) and their means (c, k), by violation, rank and crowding of the means."""
    violation = np.zeros(len(X))
    for j, gp in enumerate(gps):
        limit = problem.thresholds_max[j]
        if np.isfinite(limit) and gp is not None:
            violation += np.maximum(float(gp.standardise(np.array(limit))) - means[:, j], 0.0)
    objectives = [j for j in problem.optimized_index.tolist() if gps[j] is not None]
    Y = means[:, objectives] if objectives else np.zeros((len(X), 1))
    best = violation_order(Y, violation)[:SIZE]
    return X[best], means[best]
