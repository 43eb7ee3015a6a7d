"""What a strategy sees, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from objectives.hypervolume import Front
from objectives.models import Models
from objectives.problem import Data, Problem
from objectives.shapes import Bools, Floats, Ints

__all__ = ["Proposal", "State", "Strategy"]

#: the most points that the first design takes; and where every parameter is a category: few points already say which
#: values matter (benchmarks/quality/categories.py)
MOST_FIRST, MOST_FIRST_CATEGORIES = 24, 10


@dataclass(frozen=True)
class Proposal:
    """A point (d,) with its assignments, the name of the strategy that found it, and one sentence why."""

    x: Floats
    assignments: dict[str, Any]
    strategy: str
    reason: str
    log_acquisition: float | None = None


@dataclass(frozen=True)
class State:
    """One moment of an experiment, as the strategies see it.

    models: conditioned on data and, by belief, on everything pending; None while there are none. open_points (q, d):
    what is pending or was proposed in this batch. taken: keys that must not be proposed again. turn: how many
    configurations came before this proposal. seed: of the quasi-random sequence. budget: total number of observations
    that is planned. solutions: how many different good configurations are wanted of a single metric.
    """

    problem: Problem
    data: Data
    front: Front
    models: Models | None
    open_points: Floats
    taken: frozenset[Hashable]
    turn: int
    seed: int
    budget: int
    solutions: int = 1

    @cached_property
    def observed(self) -> Floats:
        """Coordinates (n, d) of the observed configurations."""
        return self.data.coordinates(self.problem.space)

    @cached_property
    def complete(self) -> Ints:
        """Row numbers whose optimized metrics are all measured at the real task (constraints, where none is
        optimized)."""
        return np.flatnonzero(self._whole & self.data.real)

    @cached_property
    def _whole(self) -> Bools:
        problem = self.problem
        columns = problem.optimized_index if problem.m else problem.constraint_index
        return np.asarray(~np.isnan(problem.filled(self.data.values)[:, columns]).any(axis=1), dtype=np.bool_)

    @cached_property
    def design_size(self) -> int:
        """Distinct successes wanted before models are asked: 2 (d + 1), at most 24; at most 10 of nothing but
        categories."""
        space = self.problem.space
        most = MOST_FIRST_CATEGORIES if bool(space.categorical.all()) else MOST_FIRST
        return min(2 * (space.d + 1), most)

    @property
    def few(self) -> bool:
        """Whether there is too little data for models: cheap tasks count, but two results must be real."""
        return self.models is None or int(self._whole.sum()) < self.design_size or len(self.complete) < 2

    def after(self, proposal: Proposal, cost: float = 1.0) -> State:
        """The state once `proposal` is pending, at a task of this cost."""
        x = proposal.x[None]
        return replace(
            self,
            models=self.models.believe(x, np.array([cost])) if self.models is not None else None,
            open_points=np.vstack([self.open_points, x]),
            taken=self.taken | {self.problem.space.key(proposal.assignments)},
            turn=self.turn + 1,
        )


#: one point for one moment; the same moment and the same dice give the same point
Strategy = Callable[[State, np.random.Generator], Proposal]
