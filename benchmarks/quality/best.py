"""The best that can be had on a problem: a long evolutionary run on the noise-free function, of a table all of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.quality.problems import Case
from benchmarks.quality.tuned import SETTINGS, every_value
from objectives.pareto import violation_order
from objectives.population import differential, perturb
from objectives.sampling import uniform_points

SIZE, GENERATIONS = 120, 250


def long_run(case: Case, score: Callable[[Case, np.ndarray], float]) -> float:
    """Hypervolume of everything non-dominated in a (120 + 120) evolution of 250 generations; a table's is exact."""
    if case.name in SETTINGS:
        return score(case, every_value(case.name))
    rng = np.random.default_rng(0)
    space, m = case.problem.space, case.problem.m
    X = uniform_points(space, SIZE, rng)
    V = evaluate(case, X)
    kept = V
    for _ in range(GENERATIONS):
        children = np.vstack([
            perturb(space, X[rng.integers(len(X), size=SIZE // 2)], rng.choice([0.2, 0.05, 0.01], (SIZE // 2, 1)), rng),
            differential(space, X[rng.integers(len(X), size=SIZE // 2)], X, rng),
        ])  # fmt: skip
        X, V = np.vstack([X, children]), np.vstack([V, evaluate(case, children)])
        kept = np.vstack([kept, V[SIZE:]])
        violation = np.maximum(-V[:, m:], 0.0).sum(axis=1) if V.shape[1] > m else np.zeros(len(V))
        order = violation_order(-V[:, :m], violation)[:SIZE]
        X, V = X[order], V[order]
    return score(case, kept)


def evaluate(case: Case, X: np.ndarray) -> np.ndarray:
    V = np.array([case.function(a) for a in case.problem.space.decode(X)])
    return np.where(np.isnan(V), 1e9 * np.r_[np.ones(case.problem.m), -np.ones(V.shape[1] - case.problem.m)], V)
