"""What the worker calls: data in, models and candidates out. And `Optimizer`, the same in a few lines in one process.

Last stop inside this package: front, models, suggestions; the caller stores them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from objectives.errors import DataError
from objectives.hypervolume import Front, observed_front
from objectives.models import FitQuality, Models, Scalarized
from objectives.models import fit as fit_models
from objectives.pooling import Observation, pool
from objectives.problem import Data, Problem
from objectives.shapes import Assignments
from objectives.strategies import MODEL_FREE, STRATEGIES, Proposal, State

__all__ = ["Candidate", "FitQuality", "Models", "Optimizer", "Scalarized", "fit", "suggest"]

#: observations expected of an experiment that does not say how many it plans
USUAL_BUDGET = 60

_threads = ThreadpoolController()


@dataclass(frozen=True)
class Candidate:
    """A configuration worth measuring, not yet stored.

    strategy: the member that proposed it; reason: one sentence for people; predicted: {metric: (mean, stddev)} in
    natural units, None without models; log_acquisition: how the strategy values it, comparable within one call only.
    """

    assignments: dict[str, Any]
    strategy: str
    reason: str
    predicted: dict[str, tuple[float, float]] | None
    log_acquisition: float | None


def fit(
    problem: Problem,
    data: Data,
    *,
    previous: Models | None = None,
    rng: np.random.Generator,
    refit: bool | None = None,
) -> Models:
    """Models of everything measured so far; see `objectives.models.fit`. One BLAS thread: the answer does not depend
    on it."""
    with _threads.limit(limits=1):
        return fit_models(problem, data, previous=previous, rng=rng, refit=refit)


def suggest(
    problem: Problem,
    data: Data,
    front: Front,
    models: Models | None,
    *,
    count: int,
    rng: np.random.Generator,
    strategy: str = "auto",
    seed: int = 0,
    budget: int | None = None,
) -> tuple[Candidate, ...]:
    """`count` candidates: valid, distinct from each other, from pending and from observed configurations.

    Each is chosen as if those before it, and everything pending, had been measured and gave what the models expect, so
    that a batch does not cluster. `models` that do not know the newest data are conditioned on it, not refitted;
    without models (None) the points are quasi-random, which always works. `seed`: of the Sobol sequence of the first
    points; `budget`: planned number of observations. Where measurements are noisy and the space is finite and all
    seen, SpaceExhaustedError still says so: repeats are the caller's decision. Fewer than `count` come back when the
    space ends on the way. DataError for an unknown strategy.
    """
    if strategy not in STRATEGIES:
        raise DataError(f"unknown strategy {strategy!r}; there are {', '.join(sorted(STRATEGIES))}", strategy=strategy)
    with _threads.limit(limits=1):
        models = models if strategy in MODEL_FREE else _current(problem, data, models, rng)
        models = models if models is not None and models.conditioned else None
        state = _state(problem, data, front, models, seed=seed, budget=budget or USUAL_BUDGET)
        return _batch(state, count, strategy, rng)


def _batch(state: State, count: int, strategy: str, rng: np.random.Generator) -> tuple[Candidate, ...]:
    made: list[Candidate] = []
    for _ in range(count):
        if made and len(state.taken) >= state.problem.space.size:
            break
        proposal = STRATEGIES[strategy](state, rng)
        made.append(_candidate(state, proposal))
        state = state.after(proposal) if len(made) < count else state
    return tuple(made)


def _current(problem: Problem, data: Data, models: Models | None, rng: np.random.Generator) -> Models | None:
    """The models conditioned on this very data; None stays None, which a caller may want when fitting fails."""
    if models is None or models.data is data or len(data) == 0:
        return models
    return fit_models(problem, data, previous=models, rng=rng, refit=False)


def _state(problem: Problem, data: Data, front: Front, models: Models | None, *, seed: int, budget: int) -> State:
    space = problem.space
    open_points = space.encode(data.pending)
    if models is not None and len(open_points):
        models = models.believe(open_points)
    taken: frozenset[Hashable] = frozenset(space.key(a) for a in (*data.assignments, *data.pending))
    return State(problem, data, front, models, open_points, taken, len(data) + len(open_points), seed, budget)


def _candidate(state: State, proposal: Proposal) -> Candidate:
    return Candidate(
        proposal.assignments, proposal.strategy, proposal.reason, _predicted(state, proposal), proposal.log_acquisition
    )


def _predicted(state: State, proposal: Proposal) -> dict[str, tuple[float, float]] | None:
    if state.models is None:
        return None
    mean, sd = state.models.predict_at(proposal.x[None])
    named = zip(state.problem.metrics, mean[0], sd[0], strict=True)
    return {metric.name: (float(m), float(s)) for metric, m, s in named if np.isfinite(m)}


class Optimizer:
    """Ask and tell in one process, for those who want the optimizer without the service.

    >>> from objectives.metrics import Metric
    >>> from objectives.space import Double, SearchSpace
    >>> space = SearchSpace((Double("x", -2.0, 2.0),))
    >>> optimizer = Optimizer(Problem(space, (Metric("a", "minimize"), Metric("b", "minimize"))), seed=1)
    >>> for _ in range(8):
    ...     x = optimizer.ask()
    ...     optimizer.tell(x, {"a": x["x"] ** 2, "b": (x["x"] - 1.0) ** 2})
    >>> len(optimizer.front) > 1
    True
    """

    def __init__(self, problem: Problem, *, seed: int = 0, strategy: str = "auto", budget: int | None = None) -> None:
        self.problem, self.strategy, self.seed, self.budget = problem, strategy, seed, budget
        self.models: Models | None = None
        self._rng = np.random.default_rng(seed)
        self._pending: list[Assignments] = []
        self._told: list[Observation] = []

    @property
    def data(self) -> Data:
        """Everything told so far, and what is pending; repeats of a configuration are pooled."""
        return pool(self.problem, self._told, pending=self._pending)

    @property
    def front(self) -> Front:
        """The Pareto front of what was told."""
        return observed_front(self.problem, self.data)

    def ask(self, count: int = 1) -> Any:
        """The next assignments to measure: a dict, or a list of them for a `count` above one."""
        data = self.data
        if len(data) and self.strategy not in MODEL_FREE:
            self.models = fit(self.problem, data, previous=self.models, rng=self._rng)
        found = suggest(
            self.problem,
            data,
            observed_front(self.problem, data),
            self.models,
            count=count,
            rng=self._rng,
            strategy=self.strategy,
            seed=self.seed,
            budget=self.budget,
        )
        self._pending += [candidate.assignments for candidate in found]
        return found[0].assignments if count == 1 else [candidate.assignments for candidate in found]

    def tell(
        self,
        assignments: Assignments,
        values: Mapping[str, float] | None,
        *,
        stddevs: Mapping[str, float] | None = None,
    ) -> None:
        """Report measured values by metric name (missing ones may come later), or None for a failure.

        `stddevs`: the standard deviation of each value, where it is known.
        """
        key = self.problem.space.key(assignments)
        self._pending = [p for p in self._pending if self.problem.space.key(p) != key]
        self._told.append(Observation(assignments, values, stddevs or {}))
