"""What the worker calls: data in, models and candidates out. And `Optimizer`, the same in a few lines in one process.

Last stop inside this package: front, models, suggestions; the caller stores them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from objectives.choice import choose_task
from objectives.errors import DataError
from objectives.fitting import fit as fit_models
from objectives.hypervolume import Front, observed_front
from objectives.memory import keep_memory
from objectives.models import FitQuality, Models
from objectives.pooling import Observation, Pool
from objectives.problem import Data, Problem
from objectives.shapes import Assignments
from objectives.strategies import MODEL_FREE, STRATEGIES, Proposal, State

__all__ = ["Candidate", "FitQuality", "Models", "Optimizer", "fit", "suggest"]

#: observations expected of an experiment that does not say how many it plans
USUAL_BUDGET = 60

_threads = ThreadpoolController()
keep_memory()


@dataclass(frozen=True)
class Candidate:
    """A configuration worth measuring, not yet stored.

    strategy: the member that proposed it; reason: one sentence for people; predicted: {metric: (mean, stddev)} in
    natural units, None without models; log_acquisition: how the strategy values it, comparable within one call only;
    task: the name of the task to measure it at, None where the problem has no tasks.
    """

    assignments: dict[str, Any]
    strategy: str
    reason: str
    predicted: dict[str, tuple[float, float]] | None
    log_acquisition: float | None
    task: str | None = None


def fit(
    problem: Problem,
    data: Data,
    *,
    previous: Models | None = None,
    rng: np.random.Generator,
    refit: bool | None = None,
) -> Models:
    """Models of everything measured so far; see `objectives.fitting.fit`. One BLAS thread: the answer does not depend
    on it."""
    with _one_thread():
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
    solutions: int = 1,
) -> tuple[Candidate, ...]:
    """`count` candidates: valid, distinct from each other, from pending and from observed configurations.

    Each is chosen as if those before it, and everything pending, had been measured and gave what the models expect, so
    that a batch does not cluster. `models` that do not know the newest data are conditioned on it, not refitted;
    without models (None) the points are quasi-random, which always works. `seed`: of the Sobol sequence of the first
    points; `budget`: planned number of observations; `solutions`: how many different good configurations are wanted of
    a single metric. Where measurements are noisy and the space is finite and all
    seen, SpaceExhaustedError still says so: repeats are the caller's decision. Fewer than `count` come back when the
    space ends on the way. DataError for an unknown strategy.
    """
    if strategy not in STRATEGIES:
        raise DataError(f"unknown strategy {strategy!r}; there are {', '.join(sorted(STRATEGIES))}", strategy=strategy)
    with _one_thread():
        models = models if strategy in MODEL_FREE else _current(problem, data, models, rng)
        models = models if models is not None and models.conditioned else None
        state = _state(problem, data, front, models, seed=seed, budget=budget or USUAL_BUDGET, solutions=solutions)
        return _batch(state, count, strategy, rng)


@contextmanager
def _one_thread() -> Iterator[None]:
    """One BLAS thread inside; where there is no more anyway, asking is all it takes."""
    if all(library.num_threads == 1 for library in _threads.lib_controllers):
        yield
    else:
        with _threads.limit(limits=1):
            yield


def _batch(state: State, count: int, strategy: str, rng: np.random.Generator) -> tuple[Candidate, ...]:
    made: list[Candidate] = []
    for _ in range(count):
        if made and len(state.taken) >= state.problem.space.size:
            break
        proposal = STRATEGIES[strategy](state, rng)
        task = choose_task(state, proposal)
        made.append(_candidate(state, proposal, None if task is None else task.name))
        cost = 1.0 if task is None else task.cost
        state = state.after(proposal, cost) if len(made) < count else state
    return tuple(made)


def _current(problem: Problem, data: Data, models: Models | None, rng: np.random.Generator) -> Models | None:
    """The models conditioned on this very data; None stays None, which a caller may want when fitting fails."""
    if models is None or models.data is data or len(data) == 0:
        return models
    return fit_models(problem, data, previous=models, rng=rng, refit=False)


def _state(
    problem: Problem, data: Data, front: Front, models: Models | None, *, seed: int, budget: int, solutions: int
) -> State:
    space = problem.space
    open_points = space.encode(data.pending)
    if models is not None and len(open_points):
        models = models.believe(open_points, data.pending_costs)
    turn = len(data) + len(open_points)
    return State(problem, data, front, models, open_points, _taken(problem, data), turn, seed, budget, solutions)


def _taken(problem: Problem, data: Data) -> frozenset[Hashable]:
    """What must not be proposed again; what only a cheap task has measured may be."""
    measured = [a for a, real in zip(data.assignments, data.real.tolist(), strict=True) if real]
    pending = [a for a, cost in zip(data.pending, data.pending_costs.tolist(), strict=True) if cost == 1.0]
    return frozenset(problem.space.key(assignments) for assignments in (*measured, *pending))


def _candidate(state: State, proposal: Proposal, task: str | None) -> Candidate:
    return Candidate(
        proposal.assignments,
        proposal.strategy,
        proposal.reason,
        _predicted(state, proposal),
        proposal.log_acquisition,
        task,
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

    def __init__(
        self,
        problem: Problem,
        *,
        seed: int = 0,
        strategy: str = "auto",
        budget: int | None = None,
        solutions: int = 1,
    ) -> None:
        self.problem, self.strategy, self.seed, self.budget = problem, strategy, seed, budget
        self.solutions = solutions
        self.models: Models | None = None
        self._rng = np.random.default_rng(seed)
        self._costs = {task.name: task.cost for task in problem.tasks}
        self._pending: list[tuple[Assignments, float]] = []
        self._told = Pool(problem)

    @property
    def data(self) -> Data:
        """Everything told so far, and what is pending; repeats of a configuration are pooled."""
        pending = [assignments for assignments, _ in self._pending]
        return self._told.data(pending=pending, pending_costs=[cost for _, cost in self._pending])

    @property
    def front(self) -> Front:
        """The Pareto front of what was told."""
        return observed_front(self.problem, self.data)

    def ask(self, count: int = 1) -> Any:
        """The next assignments to measure: a dict, or a list of them for a `count` above one."""
        found = self.propose(count)
        return found[0].assignments if count == 1 else [candidate.assignments for candidate in found]

    def propose(self, count: int = 1) -> tuple[Candidate, ...]:
        """The next candidates with all that is known about them; with tasks, what each is to be measured at."""
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
            solutions=self.solutions,
        )
        self._pending += [(candidate.assignments, self._costs.get(candidate.task or "", 1.0)) for candidate in found]
        return found

    def tell(
        self,
        assignments: Assignments,
        values: Mapping[str, float] | None,
        *,
        stddevs: Mapping[str, float] | None = None,
        task: str | None = None,
    ) -> None:
        """Report measured values by metric name (missing ones may come later), or None for a failure.

        `stddevs`: the standard deviation of each value, where it is known. `task`: what it was measured at, the real
        one without.
        """
        space, cost = self.problem.space, self._costs.get(task or "", 1.0)
        done = (space.key(assignments), cost)
        self._pending = [(p, c) for p, c in self._pending if (space.key(p), c) != done]
        self._told.add(Observation(assignments, values, stddevs or {}, cost))
