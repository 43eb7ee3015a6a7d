"""From data to models: what the worker's second stop does.

`fit` searches for hyperparameters where that is due, conditions every metric's GP on the data, and lets the models' own
population follow them. `conditioned` does the same for models that were only stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from objectives.alignment import align_columns
from objectives.composed import Composed, Part
from objectives.features import FeatureMap
from objectives.gp import GP, fit_gp
from objectives.kernels import KERNELS
from objectives.likelihood import Prior
from objectives.metrics import Metric
from objectives.models import Models
from objectives.pareto import nondominated, violation_order
from objectives.population import GENERATIONS, SIZE, evolve
from objectives.problem import Data, Problem
from objectives.scalarization import augmented_chebyshev, normalise, simplex_weights
from objectives.shapes import Bools, Floats, Ints
from objectives.surrogates import Surrogate
from objectives.warping import LINEAR, Warp, crossing, tail

__all__ = ["Scalarized", "conditioned", "fit", "is_refit_due", "local_rows", "scalarized"]

#: hyperparameters are searched again once the data has grown by this share; half of it bought no hypervolume
GROWTH = 0.1
#: every so many searches also start afresh, from the prior's medians; and so do those that come late, after a batch
FRESH_STARTS_EVERY = 2
#: generations of the population for a single metric, where it has a point to find and no front
GENERATIONS_FOR_ONE = 2
#: new configurations at once from which on the population evolves twice as long; at every fit that gained nothing
MANY_NEW = 4
#: with so many values the kernel is chosen by posterior density, whenever fresh starts are tried
KERNEL_CHOICE = 12
#: parameters up to which the additive kernel is a rival: what it costs grows with them
ADDITIVE_UP_TO = 20
#: name under which the hyperparameters of success, which is no metric, are kept
SUCCESS = "(success)"
#: distinct configurations up to which models are exact, and how many they are conditioned on beyond
EXACT, LOCAL = 600, 400


@dataclass(frozen=True)
class Scalarized:
    """A GP of the augmented Chebyshev scalarization for one weight vector (ParEGO, Knowles 2006)."""

    weights: Floats
    gp: GP


def fit(
    problem: Problem,
    data: Data,
    *,
    previous: Models | None = None,
    rng: np.random.Generator,
    refit: bool | None = None,
) -> Models:
    """Fit a GP to every optimized and constraint metric, and to success.

    Rows in which a metric is NaN are left out of its model only. `previous` (of the same experiment) is where the
    search for hyperparameters starts. They are searched again once the data has grown by a tenth, always with
    `refit=True`, with `refit=False` only where there are none yet. Where `previous` still has its factors they are
    extended. Poor data is no error: what had to be degraded is said in `notes`. O(n^3) up to EXACT configurations,
    O(n log n) beyond.

    >>> from objectives.metrics import Metric
    >>> from objectives.space import Double, SearchSpace
    >>> problem = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("y"),))
    >>> data = Data([{"x": 0.0}, {"x": 0.4}, {"x": 1.0}], [[0.0], [0.4], [1.0]])
    >>> models = fit(problem, data, rng=np.random.default_rng(1))
    >>> mean, sd = models.predict([{"x": 0.4}])
    >>> abs(float(mean[0, 0]) - 0.4) < 0.1, list(models.to_dict())
    (True, ['version', 'generation', 'fitted_at', 'seen', 'notes', 'kernels', 'beaten', 'thetas', 'population'])
    """
    previous = previous or Models()
    refit = is_refit_due(previous, data) if refit is None else refit
    work = _Work(problem, data, previous, rng, refit)
    gps = work.composed(tuple(work.metric_gp(j) for j in range(problem.k)))
    success = work.success_gp()
    models = Models(
        problem,
        data,
        gps,
        success,
        previous.population,
        previous.generation + refit,
        tuple(work.notes),
        {**previous.thetas, **work.thetas},
        len(data) if refit else previous.fitted_at,
        {**previous.kernels, **work.kernels},
        len(data),
        {**previous.beaten, **work.beaten},
    )
    generations = GENERATIONS if problem.m != 1 else GENERATIONS_FOR_ONE
    generations *= 1 if len(data) - previous.seen < MANY_NEW else 2
    X = work.X[_best_first(problem, work.Y)[: 2 * SIZE]] if len(data) > 2 * SIZE else work.X
    population = evolve(problem, models.features, gps, previous.population, X, rng=rng, generations=generations)
    return replace(models, population=population)


def conditioned(problem: Problem, data: Data, previous: Models) -> Models:
    """`previous`, as it was stored, made able to predict: conditioned on the data, and nothing searched or evolved.

    A metric for which nothing was learned yet has no model. O(n^3) up to EXACT configurations, constant beyond.
    """
    work = _Work(problem, data, previous, np.random.default_rng(0), refit=False)
    known = [metric.name in previous.thetas for metric in problem.metrics]
    gps = work.composed(tuple(work.metric_gp(j) if known[j] else None for j in range(problem.k)))
    success = work.success_gp() if SUCCESS in previous.thetas else None
    return replace(previous, problem=problem, data=data, gps=gps, success=success)


def scalarized(problem: Problem, data: Data, models: Models, rng: np.random.Generator) -> Scalarized | None:
    """A GP of the augmented Chebyshev value for random weights, from complete rows; None where there are too few.

    Fitted anew each time, since the weights are; O(n^3).
    """
    Y = problem.to_max(data.values)[:, problem.optimized_index]
    rows = np.flatnonzero(~np.isnan(Y).any(axis=1) & local_rows(problem, problem.to_max(data.values)))
    if problem.m < 2 or len(rows) < 2:
        return None
    weights = simplex_weights(1, problem.m, rng)[0]
    values = augmented_chebyshev(normalise(Y[rows], Y[rows].min(axis=0), Y[rows].max(axis=0)), weights)
    Z = models.features(data.coordinates(problem.space)[rows], data.costs[rows])
    return Scalarized(weights, fit_gp(Z, models.features.owner, values))


def is_refit_due(previous: Models, data: Data) -> bool:
    """Whether `fit` searches the hyperparameters again by itself; else it conditions what they were on `data`."""
    return len(data) >= previous.fitted_at + _step(data) or not previous.thetas


def _step(data: Data) -> int:
    """By how many configurations the data grows from one search for hyperparameters to the next."""
    return max(1, int(GROWTH * len(data)))


def local_rows(problem: Problem, Y: Floats) -> Bools:
    """Mask (n,) of the rows that models are conditioned on: all up to EXACT, else LOCAL of them.

    Two thirds are the best (by constraint violation, then non-dominated rank, then spread), where precision decides;
    the others are spread evenly over time and stand for the rest of the space. O(n log n), and what follows is
    constant.
    """
    mask = np.ones(len(Y), dtype=np.bool_)
    if len(Y) <= EXACT:
        return mask
    mask[_best_first(problem, Y)[2 * LOCAL // 3 :]] = False
    rest = np.flatnonzero(~mask)
    mask[rest[np.linspace(0, len(rest) - 1, LOCAL - int(mask.sum())).astype(np.intp)]] = True
    return mask


def _best_first(problem: Problem, Y: Floats) -> Ints:
    """Row numbers (n,) of maximised values Y (n, k): least violation, then non-dominated rank, then spread."""
    columns = np.concatenate([problem.optimized_index, problem.constraint_index])
    missing = np.isnan(Y)
    spread = np.ptp(np.where(missing, 0.0, Y), axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    miss = np.where(missing, np.inf, np.maximum(problem.thresholds_max - Y, 0.0) / spread)
    violation = miss[:, columns].sum(axis=1)
    objectives = np.where(missing, -1e300, Y)[:, problem.optimized_index]
    return violation_order(objectives, violation) if problem.m else np.argsort(violation, kind="stable")


class _Work:
    """The state of one fit: what is shared between its models, and the notes that gather on the way."""

    def __init__(self, problem: Problem, data: Data, previous: Models, rng: np.random.Generator, refit: bool) -> None:
        self.problem, self.data, self.previous, self.rng, self.refit = problem, data, previous, rng, refit
        self.features = FeatureMap(problem.space, problem.cheapest)
        self.X = data.coordinates(problem.space)
        self.Z = self.features(self.X, data.costs)
        self.Y = problem.to_max(data.values) if len(data) else np.empty((0, problem.k))
        self.Y, self.slopes = align_columns(FeatureMap(problem.space), self.X, self.Y, data.costs, problem.modelled)
        self.notes: list[str] = []
        self.thetas: dict[str, Floats] = {}
        self.kernels: dict[str, str] = {}
        self.beaten: dict[str, tuple[str, ...]] = {}
        self.local = local_rows(problem, self.Y)
        if not self.local.all():
            self.notes.append(
                f"models use {int(self.local.sum())} of {len(self.Y)} configurations: the best and a sample"
            )
        late = len(data) > previous.fitted_at + _step(data)
        self.fresh = late or previous.generation % FRESH_STARTS_EVERY == 0

    def metric_gp(self, j: int) -> GP | None:
        metric = self.problem.metrics[j]
        if not self.problem.modelled[j] or metric.expression is not None:
            return None
        rows = ~np.isnan(self.Y[:, j])
        self._remark(metric.name, self.Y[rows, j])
        rows &= self.local
        variances = self.data.variances[rows, j] * self.slopes[rows, j] ** 2
        counts = self.data.counts[rows, j]
        return self._gp(metric.name, rows, self.Y[rows, j], known=variances, counts=counts, warp=self._warp(j, rows))

    def _warp(self, j: int, rows: Bools) -> Warp:
        """How the model of metric j is told its values; the parts of composites as they are."""
        strategy, limit = self.problem.metrics[j].strategy, float(self.problem.thresholds_max[j])
        values = self.Y[rows, j]
        if strategy == "store":
            return LINEAR
        if strategy == "constraint":
            return crossing(values, limit)
        if np.isfinite(limit) or tail(values).linear:
            return tail(values, limit) if np.isfinite(limit) else LINEAR
        return tail(values, self._worst_on_front(j))

    def _worst_on_front(self, j: int) -> float:
        """The lowest value of metric j on the front of the real, complete and acceptable rows; infinity without one."""
        whole = self.data.real & ~np.isnan(self.Y[:, self.problem.optimized_index]).any(axis=1)
        Y = self.Y[whole & self.problem.feasible(self.data.values)]
        front = Y[nondominated(Y[:, self.problem.optimized_index])] if len(Y) else Y
        return float(front[:, j].min(initial=np.inf))

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

    def _gp(
        self,
        name: str,
        rows: Bools,
        values: Floats,
        *,
        known: Floats | None = None,
        counts: Floats | None = None,
        warp: Warp = LINEAR,
    ) -> GP | None:
        if not rows.any():
            return None
        last = self.previous.kernels.get(name, "matern52")
        starts = self._starts(name)
        refit = self.refit or not starts
        choose = refit and self.fresh and len(values) >= KERNEL_CHOICE
        resting = {last, *self.previous.beaten.get(name, ())}
        rivals = tuple(kernel for kernel in self._kernels() if kernel not in resting) if choose else ()
        gp = fit_gp(
            self.Z[rows],
            self.features.owner,
            values,
            starts=starts,
            refit=refit,
            known=known,
            counts=counts,
            kernels=(last, *rivals),
            last=self._last(name),
            warp=warp,
        )
        self.kernels[name] = gp.kernel
        if choose:
            self.beaten[name] = gp.beaten
        if gp.jitter:
            self.notes.append(f"{name}: added {gp.jitter:.0e} to the covariance to keep it positive definite")
        self.thetas[name] = gp.theta
        return gp

    def _last(self, name: str) -> GP | None:
        """The GP of this name in the models before, where they are at hand and not only stored."""
        problem, gps = self.previous.problem, self.previous.gps
        if self.refit or problem is None:
            return None
        found = dict(zip((metric.name for metric in problem.metrics), gps, strict=True)).get(name)
        return found if isinstance(found, GP) else None

    def _kernels(self) -> tuple[str, ...]:
        few = 1 < self.features.owners <= ADDITIVE_UP_TO
        return tuple(kernel for kernel in KERNELS if few or kernel != "additive")

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
