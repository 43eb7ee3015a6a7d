"""several_solutions: a few good configurations that differ from each other, of one metric.

The best so far is the first solution, the best far enough from it the second, and so on. They have their turns: each
looks for the best optimistic guess that keeps its distance from all better ones, so that none is found twice and a
solution that is missing is looked for where there is none.
"""

from __future__ import annotations

import numpy as np

from objectives.shapes import Floats
from objectives.strategies.constraint_active_search import distances
from objectives.strategies.ehvi import Outlook
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State
from objectives.strategies.ucb import optimistic, ucb

__all__ = ["several_solutions", "solutions"]

#: how far apart two solutions are at least, as a share of the spacing of as many points in the unit cube
SPACING = 0.5
#: what the logarithm of a guess loses at the very place of another solution
BARRIER = 1e3


def several_solutions(state: State, rng: np.random.Generator) -> Proposal:
    """The turn of one of the solutions; `ucb` where no different ones are wanted, and with several metrics."""
    outlook = Outlook(state)
    if state.few or not outlook.ready:
        return quasi_random(state, rng)
    if state.problem.m != 1 or state.solutions < 2 or not state.front.feasible_count:
        return ucb(state, rng)
    known, gap = solutions(outlook), spacing(state)
    number = state.turn % state.solutions
    better = known[:number]
    guess = outlook.weighed(optimistic(outlook))
    space = state.problem.space

    def value(X: Floats) -> Floats:
        near = distances(space, X, better).min(axis=1, initial=np.inf)
        return np.asarray(guess(X) - BARRIER * np.maximum(1.0 - near / gap, 0.0), dtype=np.float64)

    found = outlook.search(value, rng)
    reason = f"Best optimistic guess for solution {number + 1} of {state.solutions}, away from the better ones."
    return Proposal(found.x, found.assignments, "several_solutions", reason, found.log_value)


def spacing(state: State) -> float:
    """How far apart solutions have to be."""
    return float(SPACING * state.solutions ** (-1.0 / state.problem.space.d))


def solutions(outlook: Outlook) -> Floats:
    """Coordinates (s, d) of the best feasible rows that keep their distance from each other, best first."""
    state = outlook.state
    rows = np.flatnonzero(outlook.feasible)
    rows = rows[np.argsort(-outlook.values[rows, 0], kind="stable")]
    X = state.observed[state.complete][rows]
    chosen: list[int] = []
    for i in range(len(X)):
        if len(chosen) == state.solutions:
            break
        if not chosen or distances(state.problem.space, X[i : i + 1], X[chosen]).min() > spacing(state):
            chosen.append(i)
    return np.asarray(X[chosen], dtype=np.float64)
