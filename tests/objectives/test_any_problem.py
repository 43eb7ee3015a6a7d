"""Whatever the space, the metrics and the results look like: points stay valid and new, and nothing breaks."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest

from objectives.decisions import marginal_rates, picks
from objectives.errors import SpaceExhaustedError
from objectives.hypervolume import contributions
from objectives.metrics import Metric
from objectives.optimizer import Models, Optimizer, suggest
from objectives.problem import Problem
from objectives.space import Beta, Categorical, Double, Grid, Int, LinearConstraint, Normal, SearchSpace
from objectives.strategies import STRATEGIES
from objectives.tasks import Task

KINDS = ("smooth", "constant", "steps", "huge", "tiny", "noisy", "partial")


def any_space(rng: np.random.Generator) -> SearchSpace:
    """One to seven parameters of any kind, some of them under a condition, sometimes a linear constraint."""
    made: list = []
    for i in range(rng.integers(1, 8)):
        parents = [p for p in made if isinstance(p, Categorical)]
        conditions: tuple = ()
        if parents and rng.random() < 0.4:
            parent = parents[rng.integers(len(parents))]
            conditions = ((parent.name, frozenset(parent.values[: rng.integers(1, len(parent.values) + 1)])),)
        makers = (
            lambda n, c: Double(n, -1.0, 2.0, conditions=c),
            lambda n, c: Double(n, 1e-6, 1.0, log=True, conditions=c),
            lambda n, c: Double(n, 0.0, 4.0, prior=Normal(1.0, 0.5), conditions=c),
            lambda n, c: Double(n, 0.0, 4.0, prior=Beta(2.0, 3.0), conditions=c),
            lambda n, c: Int(n, 0, 17, conditions=c),
            lambda n, c: Grid(n, (0.5, 1.0, 30.0), conditions=c),
            lambda n, c: Categorical(n, tuple("abcd"), conditions=c),
        )
        made.append(makers[rng.integers(len(makers))](f"p{i}", conditions))
    return SearchSpace(tuple(made), _constraint(SearchSpace(tuple(made)), rng))


def _constraint(space: SearchSpace, rng: np.random.Generator) -> tuple[LinearConstraint, ...]:
    """One that about half of the space satisfies, in a third of the cases."""
    names = [p.name for p in space.parameters if not isinstance(p, Categorical)][:3]
    if not names or rng.random() < 0.66:
        return ()
    weights = {name: float(rng.normal()) for name in names}
    values = space.natural(space.spread(rng.random((60, space.d))))
    sums = sum(weight * values[:, space.index[name]] for name, weight in weights.items())
    return (LinearConstraint(weights, float(np.median(sums))),)


def any_metrics(rng: np.random.Generator) -> tuple[Metric, ...]:
    limit = lambda: float(rng.normal()) if rng.random() < 0.3 else None  # noqa: E731
    optimized = [
        Metric(f"m{j}", rng.choice(["maximize", "minimize"]), threshold=limit()) for j in range(rng.integers(5))
    ]
    constraints = [Metric(f"c{j}", "minimize", "constraint", float(rng.normal())) for j in range(rng.integers(3))]
    return (*optimized, *constraints, Metric("note", strategy="store"))


def measured(kind: str, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shapes = {
        "constant": lambda: np.full_like(y, 3.0),
        "steps": lambda: np.round(y),
        "huge": lambda: 1e12 * y,
        "tiny": lambda: 1e-12 * y,
        "noisy": lambda: y + rng.normal(size=len(y)),
        "partial": lambda: np.where(rng.random(len(y)) < 0.2, np.nan, y),
    }
    return shapes.get(kind, lambda: y)()


@pytest.mark.parametrize(("seed", "kind"), list(product(range(2), KINDS)))
def test_any_problem_can_be_walked(seed: int, kind: str) -> None:
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    space, metrics = any_space(rng), any_metrics(rng)
    tasks = (Task("quick", 0.1), Task("half", 0.5), Task("real", 1.0)) if rng.random() < 0.3 else ()
    problem = Problem(space, metrics, tasks)
    strategy = sorted(STRATEGIES)[rng.integers(len(STRATEGIES))] if seed else "auto"
    optimizer, weights, seen = (
        Optimizer(problem, seed=seed, strategy=strategy, solutions=int(rng.integers(1, 4))),
        rng.normal(size=(len(metrics), space.d)),
        set(),
    )
    for _ in range(16):
        try:
            proposed = optimizer.propose(2)
        except SpaceExhaustedError:
            assert math.isfinite(space.size)
            break
        asked = [candidate.assignments for candidate in proposed]
        assert all((candidate.task is None) == (not tasks) for candidate in proposed)
        X = space.encode(asked)
        assert space.valid(X).all()
        assert all(a.keys() == b.keys() for a, b in zip(asked, space.decode(X), strict=True))
        keys = {(space.key(candidate.assignments), candidate.task) for candidate in proposed}
        assert not seen & keys
        seen |= keys
        for candidate, x in zip(proposed, X, strict=True):
            a, task = candidate.assignments, candidate.task
            if rng.random() < 0.1:
                optimizer.tell(a, None, task=task)
            elif rng.random() < 0.9:
                values = measured(kind, np.sin(3 * weights @ x), rng)
                optimizer.tell(a, dict(zip([m.name for m in metrics], values.tolist(), strict=True)), task=task)
    _look(problem, optimizer)


def _look(problem: Problem, optimizer: Optimizer) -> None:
    """Everything a report asks for is there, and models survive their journey through JSON."""
    front = optimizer.front
    assert front.hypervolume >= 0
    picks(problem, front.values)
    marginal_rates(problem, front.values)
    contributions(front, problem)
    if optimizer.models is not None:
        stored = Models.from_dict(json.loads(json.dumps(optimizer.models.to_dict(), allow_nan=False)))
        if problem.space.size > len(optimizer.data) + 40:
            suggest(problem, optimizer.data, front, stored, count=1, rng=np.random.default_rng(0))
