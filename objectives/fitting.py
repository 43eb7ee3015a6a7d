"""From data to models: what the worker's second stop does.

`fit` searches for hyperparameters where that is due, conditions every metric's GP on the data, and lets the models' own
population follow them. `conditioned` does the same for models that were only stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from objectives.alignment import align_columns
from objectives.composed import Composed, Part
from objectives.features import FeatureMap
from objectives.gp import GP, Prior, fit_gp
from objectives.kernels import KERNELS
from objectives.metrics import Metric
from objectives.models import Models, Scalarized
from objectives.pareto import violation_order
from objectives.population import GENERATIONS, evolve
from objectives.problem import Data, Problem
from objectives.scalarization import augmented_chebyshev, normalise, simplex_weights
from objectives.shapes import Bools, Floats
from objectives.surrogates import Surrogate

__all__ = ["conditioned", "fit", "local_rows"]

#: every so many fits the search for hyperparameters also starts afresh, from the prior's medians
FRESH_STARTS_EVERY = 3
#: and when the data has grown by this share at once, as it does with batches
FRESH_GROWTH = 0.1
#: new configurations at once from which on the population evolves twice as long; at every fit that gained nothing
MANY_NEW = 4
#: with so many values the kernel is chosen by posterior density, whenever fresh starts are tried
KERNEL_CHOICE = 12
#: names under which hyperparameters that belong to no metric are kept
SUCCESS, SCALARIZED = "(success)", "(scalarized)"
#: distinct configurations up to which models are exact, and how many they are conditioned on beyond
EXACT, LOCAL = 1_500, 900


def fit(
    problem: Problem,
    data: Data,
    *,
    previous: Models | None = None,
    rng: np.random.Generator,
    refit: bool | None = None,
) -> Models:
    """Fit a GP to every optimized and constraint metric, to success, and to one random scalarization.

    Rows in which a metric is NaN are left out of its model only. `previous` (of the same experiment) is where the
    search for hyperparameters starts. They are searched again once the data has grown by a twentieth (more often
    bought no hypervolume), always with `refit=True`, with `refit=False` only where there are none yet. Poor data
    is no error: what had to be degraded is said in `notes`. O(n^3) up to 1,500 configurations, O(n log n) beyond.

    >>> from objectives.metrics import Metric
    >>> from objectives.space import Double, SearchSpace
    >>> problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("y"),))
    >>> data = Data([{"x": 0.0}, {"x": 0.4}, {"x": 1.0}], [[0.0], [0.4], [1.0]])
    >>> models = fit(problem, data, rng=np.random.default_rng(1))
    >>> mean, sd = models.predict([{"x": 0.4}])
    >>> abs(float(mean[0, 0]) - 0.4) < 0.1, list(models.to_dict())
    (True, ['version', 'generation', 'fitted_at', 'notes', 'kernels', 'thetas', 'population'])
    """
    previous = previous or Models()
    refit = _due(previous, data) if refit is None else refit
    work = _Work(problem, data, previous, rng, refit)
    gps = work.composed(tuple(work.metric_gp(j) for j in range(problem.k)))
    success = work.success_gp()
    scalarized = work.scalarized_gp()
    models = Models(
        problem,
        data,
        gps,
        success,
        scalarized,
        previous.population,
        previous.generation + refit,
        tuple(work.notes),
        {**previous.thetas, **work.thetas},
        len(data) if refit else previous.fitted_at,
        {**previous.kernels, **work.kernels},
    )
    generations = GENERATIONS if work.grown < MANY_NEW else 2 * GENERATIONS
    X = work.X[work.local]
    population = evolve(problem, models.features, gps, previous.population, X, rng=rng, generations=generations)
    return replace(models, population=population)


def conditioned(problem: Problem, data: Data, previous: Models) -> Models:
    """`previous`, as it was stored, made able to predict: conditioned on the data, and nothing searched or evolved.

    A metric for which nothing was learned yet has no model. O(n^3) up to 1,500 configurations, constant beyond.
    """
    work = _Work(problem, data, previous, np.random.default_rng(0), refit=False)
    known = [metric.name in previous.thetas for metric in problem.metrics]
    gps = work.composed(tuple(work.metric_gp(j) if known[j] else None for j in range(problem.k)))
    success = work.success_gp() if SUCCESS in previous.thetas else None
    return replace(previous, problem=problem, data=data, gps=gps, success=success, scalarized=())


def _due(previous: Models, data: Data) -> bool:
    return len(data) >= previous.fitted_at + max(1, len(data) // 20) or not previous.thetas


def local_rows(problem: Problem, Y: Floats) -> Bools:
    """Mask (n,) of the rows that models are conditioned on: all up to EXACT, else LOCAL of them.

    Two thirds are the best (by constraint violation, then non-dominated rank, then spread), where precision decides;
    the others are spread evenly over time and stand for the rest of the space. O(n log n), and what follows is
    constant.
    """
    mask = np.ones(len(Y), dtype=np.bool_)
    if len(Y) <= EXACT:
        return mask
    columns = np.concatenate([problem.optimized_index, problem.constraint_index])
    missing = np.isnan(Y)
    spread = np.maximum(np.ptp(np.where(missing, 0.0, Y), axis=0), 1e-300)
    miss = np.where(missing, np.inf, np.maximum(problem.thresholds_max - Y, 0.0) / spread)
    violation = miss[:, columns].sum(axis=1)
    objectives = np.where(missing, -1e300, Y)[:, problem.optimized_index]
    order = violation_order(objectives, violation) if problem.m else np.argsort(violation, kind="stable")
    mask[order[2 * LOCAL // 3 :]] = False
    rest = np.flatnonzero(~mask)
    mask[rest[np.linspace(0, len(rest) - 1, LOCAL - int(mask.sum())).astype(np.intp)]] = True
    return mask


class _Work:
    """The state of one fit: what is shared between its models, and the notes that gather on the way."""

    def __init__(self, problem: Problem, data: Data, previous: Models, rng: np.random.Generator, refit: bool) -> None:
        self.problem, self.data, self.previous, self.rng, self.refit = problem, data, previous, rng, refit
        self.features = FeatureMap(problem.space, problem.cheapest)
        self.X = problem.space.encode(data.assignments)
        self.Z = self.features(self.X, data.costs)
        self.Y = problem.to_max(data.values) if len(data) else np.empty((0, problem.k))
        self.Y, self.slopes = align_columns(FeatureMap(problem.space), self.X, self.Y, data.costs, problem.modelled)
        self.notes: list[str] = []
        self.thetas: dict[str, Floats] = {}
        self.kernels: dict[str, str] = {}
        self.local = local_rows(problem, self.Y)
        if not self.local.all():
            self.notes.append(
                f"models use {int(self.local.sum())} of {len(self.Y)} configurations: the best and a sample"
            )
        self.grown = max(len(data) - previous.fitted_at, 1)
        self.fresh = previous.generation % FRESH_STARTS_EVERY == 0 or self.grown >= FRESH_GROWTH * len(data)

    def metric_gp(self, j: int) -> GP | None:
        metric = self.problem.metrics[j]
        if not self.problem.modelled[j] or metric.expression is not None:
            return None
        rows = ~np.isnan(self.Y[:, j])
        self._remark(metric.name, self.Y[rows, j])
        rows &= self.local
        variances = self.data.variances[rows, j] * self.slopes[rows, j] ** 2
        counts = self.data.counts[rows, j]
        return self._gp(metric.name, rows, self.Y[rows, j], known=variances, counts=counts)

    def composed(self, gps: tuple[GP | None, ...]) -> tuple[Surrogate | None, ...]:
        """`gps` with the composites put together from the models of their parts, as far as there are any."""
        named = {x.name: (x.sign, gp) for x, gp in zip(self.problem.metrics, gps, strict=True)}
        return tuple(
            gp if metric.expression is None else self._compose(metric, self.Y[:, j], named)
            for j, (metric, gp) in enumerate(zip(self.problem.metrics, gps, strict=True))
        )

    def _compose(self, metric: Metric, values: Floats, named: Mapping[str, tuple[float, GP | None]]) -> Composed | None:
        values = values[~np.isnan(values)]
        names = metric.expression.names if metric.expression is not None else ()
        parts = {name: Part(sign, gp) for name in names for sign, gp in [named[name]] if gp is not None}
        self._remark(metric.name, values)
        if metric.expression is None or len(values) == 0 or len(parts) < len(names):
            return None
        sd = float(values.std())
        return Composed(metric.expression, parts, metric.sign, float(values.mean()), sd if sd > 0 else 1.0)

    def success_gp(self) -> GP | None:
        """A GP of the share of observations that succeeded; None while none has failed."""
        failures = self.data.failures
        if not failures.any():
            return None
        worked = np.where(self.data.measured, self.data.counts, 0.0).max(axis=1, initial=0.0)
        tried = failures + worked
        rows = (tried > 0) & self.local
        return self._gp(SUCCESS, rows, worked[rows] / tried[rows], counts=tried[rows])

    def scalarized_gp(self) -> tuple[Scalarized, ...]:
        """The scalarized member: a GP of the augmented Chebyshev value for random weights; none below two
        objectives."""
        Y = self.Y[:, self.problem.optimized_index]
        rows: Bools = np.asarray(~np.isnan(Y).any(axis=1) & self.local, dtype=np.bool_)
        if self.problem.m < 2 or rows.sum() < 2:
            return ()
        weights = simplex_weights(1, self.problem.m, self.rng)[0]
        values = augmented_chebyshev(normalise(Y[rows], Y[rows].min(axis=0), Y[rows].max(axis=0)), weights)
        gp = self._gp(SCALARIZED, rows, values, refit=self.refit and self.fresh)
        return (Scalarized(weights, gp),) if gp is not None else ()

    def _gp(
        self,
        name: str,
        rows: Bools,
        values: Floats,
        *,
        known: Floats | None = None,
        counts: Floats | None = None,
        refit: bool | None = None,
    ) -> GP | None:
        if not rows.any():
            return None
        starts = self._starts(name)
        refit = (self.refit if refit is None else refit) or not starts
        last = self.previous.kernels.get(name, "matern52")
        rivals = tuple(KERNELS) if refit and self.fresh and len(values) >= KERNEL_CHOICE else (last,)
        fits = [
            fit_gp(
                self.Z[rows],
                self.features.owner,
                values,
                starts=starts,
                refit=refit,
                known=known,
                counts=counts,
                kernel=kernel,
            )
            for kernel in rivals
        ]
        gp = min(fits, key=lambda fitted: fitted.cost)
        self.kernels[name] = gp.kernel
        if gp.jitter:
            self.notes.append(f"{name}: added {gp.jitter:.0e} to the covariance to keep it positive definite")
        self.thetas[name] = gp.theta
        return gp

    def _starts(self, name: str) -> tuple[Floats, ...]:
        d = self.features.owners
        last = self.previous.thetas.get(name)
        if last is None or len(last) != d + 2:
            return ()
        if not (self.refit and self.fresh):
            return (last,)
        return (last, Prior().start(d))

    def _remark(self, name: str, values: Floats) -> None:
        if len(values) == 0:
            self.notes.append(f"{name}: not measured yet, so it has no model")
        elif len(values) < 3:
            self.notes.append(f"{name}: only {len(values)} measured, so its model is mostly prior")
        elif np.ptp(values) <= 1e-12 * np.abs(values).max():
            self.notes.append(f"{name}: every value is the same so far, so its model knows only that")
