"""What the models know, for people: which parameters matter for which metric, and how sure a front is.

Sums over posterior means and draws; nothing here is needed for a suggestion.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from objectives.acquisition import log_feasibility
from objectives.errors import FitError
from objectives.models import Models
from objectives.pareto import nondominated
from objectives.problem import Problem
from objectives.sampling import uniform_points
from objectives.shapes import Assignments, Bools, Floats
from objectives.space import SearchSpace
from objectives.surrogates import Surrogate

__all__ = ["importances", "probability_feasible", "probability_on_front", "probability_to_join"]

#: configurations that are drawn together with a front
BLOCK = 100


def importances(models: Models, *, rng: np.random.Generator, count: int = 1024) -> dict[str, dict[str, float]]:
    """For each modelled metric the total Sobol index of each parameter, {metric: {parameter: 0..1}}.

    The share of the posterior mean's variance over the whole space that remains when only this parameter is unknown,
    interactions included, so that shares may sum to more than 1 (Sobol 1993, Jansen 1999). A conditional parameter
    counts where it exists; a parent answers also for what it switches on and off. Zero throughout for a constant
    metric. O(d count n) a metric.

    >>> from objectives.metrics import Metric
    >>> from objectives.fitting import fit
    >>> from objectives.problem import Data, Problem
    >>> from objectives.space import Double
    >>> problem = Problem(SearchSpace((Double("x", 0, 1), Double("idle", 0, 1))), (Metric("y"),))
    >>> X = np.random.default_rng(0).random((20, 2))
    >>> data = Data(problem.space.decode(X), np.sin(3 * X[:, :1]))
    >>> models = fit(problem, data, rng=np.random.default_rng(0))
    >>> found = importances(models, rng=np.random.default_rng(1))["y"]
    >>> found["x"] > 0.9, found["idle"] < 0.05
    (True, True)
    """
    if models.problem is None:
        raise FitError("importances need models that are conditioned on data")
    space = models.problem.space
    A = uniform_points(space, count, rng)
    B = uniform_points(space, count, rng)
    swapped = [_swapped(space, A, B, k) for k in range(space.d)]
    named = zip(models.problem.metrics, models.gps, strict=True)
    return {metric.name: _totals(models, gp, A, swapped) for metric, gp in named if gp is not None}


def _swapped(space: SearchSpace, A: Floats, B: Floats, k: int) -> tuple[Floats, Bools]:
    """A with column k from B, settled; and which rows are still valid and comparable.

    Children that a new parent switches on take their values from B, where they may exist.
    """
    X = A.copy()
    X[:, k] = B[:, k]
    fresh = space.active(X) & ~space.active(A)
    fresh[:, k] = False
    X = space.snap(np.where(fresh, B, X))
    return X, space.valid(X)


def _totals(models: Models, gp: Surrogate, A: Floats, swapped: Sequence[tuple[Floats, Bools]]) -> dict[str, float]:
    base = gp.standard_mean(models.features(A))
    variance = float(base.var())
    totals = {}
    for k, (X, valid) in enumerate(swapped):
        change = (gp.standard_mean(models.features(X)) - base)[valid]
        share = 0.5 * float(np.square(change).mean()) / variance if variance > 1e-12 and valid.any() else 0.0
        totals[models.features.space.parameters[k].name] = min(share, 1.0)
    return totals


def probability_on_front(
    models: Models, assignments: Sequence[Assignments], *, rng: np.random.Generator, draws: int = 200
) -> Floats:
    """Probability (p,) that each configuration is feasible and on the true Pareto front of all those given.

    By joint posterior draws of every modelled metric at the p configurations; only noise and doubt at these points
    count, not configurations that nobody tried. O(p^3 + draws p^2).
    """
    problem = models.problem
    if problem is None or any(models.gps[j] is None for j in problem.optimized_index):
        raise FitError("the probability to be on the front needs a model of every optimized metric")
    Z = models.features(problem.space.encode(assignments))
    hits = np.zeros(len(Z))
    for Y in _drawn(models, Z, draws, rng):
        good = np.flatnonzero((problem.thresholds_max <= Y).all(axis=1))
        hits[good[nondominated(Y[good][:, problem.optimized_index])]] += 1.0
    return hits / draws


def _drawn(models: Models, Z: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Joint draws (draws, c, k) of every metric at features Z (c, p), maximised; infinity where there is no model."""
    Y = np.full((draws, len(Z), len(models.gps)), np.inf)
    for j, gp in enumerate(models.gps):
        if gp is not None:
            Y[:, :, j] = gp.unstandardise(gp.draws(Z, draws, rng))
    return Y


def probability_feasible(models: Models, assignments: Sequence[Assignments]) -> Floats:
    """Probability (c,) that a configuration succeeds and reaches every threshold; metrics without a model are left out.

    FitError for models that are not conditioned.
    """
    problem = models.problem
    if problem is None:
        raise FitError("probabilities need models that are conditioned on data")
    Z = models.features(problem.space.encode(assignments))
    total = np.zeros(len(Z))
    for limit, gp in zip(problem.thresholds_max.tolist(), models.gps, strict=True):
        if gp is not None and np.isfinite(limit):
            mean, var = gp.predict(Z)
            total += log_feasibility(mean[:, None], np.sqrt(var)[:, None], np.array([limit]))
    if models.success is not None:
        mean, var = models.success.predict(Z)
        total += log_feasibility(mean[:, None], np.sqrt(var)[:, None], np.array([0.5]))
    return np.asarray(np.exp(total), dtype=np.float64)


def probability_to_join(
    models: Models,
    assignments: Sequence[Assignments],
    front: Sequence[Assignments],
    *,
    rng: np.random.Generator,
    draws: int = 200,
) -> Floats:
    """Probability (c,) that each configuration, on its own, is feasible and beaten by none of the `front` (p).

    By joint posterior draws at all of them, so that doubt about the front counts as well; the configurations do not
    compete with each other. Without an optimized metric it is the probability to be feasible. FitError without a model
    of every optimized metric. O(p^3 + draws p m) for every hundred of them.
    """
    problem = models.problem
    if problem is None or any(models.gps[j] is None for j in problem.optimized_index):
        raise FitError("the probability to be on the front needs a model of every optimized metric")
    if problem.m == 0:
        return probability_feasible(models, assignments)
    asked, rivals = problem.space.encode(assignments), problem.space.encode(front)
    shares = []
    for block in (asked[i : i + BLOCK] for i in range(0, len(asked), BLOCK)):
        drawn = _drawn(models, models.features(np.vstack([block, rivals])), draws, rng)
        shares.append(_joining(problem, drawn, (block[:, None] != rivals[None]).any(axis=2)))
    return np.concatenate(shares)


def _joining(problem: Problem, drawn: Floats, others: Bools) -> Floats:
    """Share (c,) of the draws (draws, c + p, k) in which each of the first is feasible and none of the last beats it.

    others (c, p): whether they are different configurations.
    """
    hits = np.zeros(len(others))
    for Y in drawn:
        feasible, optimized = (problem.thresholds_max <= Y).all(axis=1), Y[:, problem.optimized_index]
        beaten = _beaten(optimized[: len(others)], optimized[len(others) :])
        hits += feasible[: len(others)] & ~(beaten & others & feasible[None, len(others) :]).any(axis=1)
    return hits / len(drawn)


def _beaten(Y: Floats, rivals: Floats) -> Bools:
    """Mask (c, r) of the rows of Y (c, m) that a rival (r, m) is better than everywhere: ties have no probability."""
    better = np.ones((len(Y), len(rivals)), dtype=np.bool_)
    for j in range(Y.shape[1]):
        better &= rivals[None, :, j] > Y[:, None, j]
    return better
