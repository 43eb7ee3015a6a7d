"""nsga2: a child of two good configurations, without any model (Deb et al. 2002).

For metrics that no Gaussian process describes, and for budgets of many thousands, where it costs next to nothing.
"""

from __future__ import annotations

import numpy as np

from objectives.hypervolume import violations
from objectives.pareto import violation_order
from objectives.population import perturb, repair
from objectives.sampling import unseen_point
from objectives.shapes import Floats, Ints
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["PARENTS", "child_of", "first_free", "nsga2", "ranked"]

PARENTS, TRIES = 24, 16
STEPS = (0.15, 0.05, 0.02)


def nsga2(state: State, rng: np.random.Generator) -> Proposal:
    """Tournament, crossover and mutation among the best observed; the first child that is new."""
    if len(state.complete) < state.design_size:
        return quasi_random(state, rng)
    reason = "A child of two of the best configurations, asked of no model."
    return child_of(state, state.observed[ranked(state)[:PARENTS]], "nsga2", reason, rng)


def child_of(state: State, parents: Floats, strategy: str, reason: str, rng: np.random.Generator) -> Proposal:
    """The first new child of two of `parents` (p, d), of which the earlier ones are chosen more often."""
    space = state.problem.space
    a, b = np.minimum(*rng.integers(len(parents), size=(2, 2, TRIES)))
    crossed = np.where(rng.random((TRIES, space.d)) < 0.5, parents[a], parents[b])
    crossed = repair(space, space.snap(crossed), parents[a])
    children = perturb(space, crossed, rng.choice(STEPS, size=(TRIES, 1)), rng)
    return first_free(state, children, strategy, reason, rng)


def ranked(state: State) -> Ints:
    """Complete rows of the data, best first: by violation, non-dominated rank and spread."""
    rows = state.complete
    Y = state.problem.to_max(state.data.values)[rows][:, state.problem.optimized_index]
    miss = np.minimum(violations(state.problem, state.data)[rows], 1e300)
    return rows[violation_order(Y, miss)]


def first_free(state: State, X: Floats, strategy: str, reason: str, rng: np.random.Generator) -> Proposal:
    """The first row of X that is not taken, else any free configuration."""
    space = state.problem.space
    for x, assignments in zip(X, space.decode(X), strict=True):
        if space.key(assignments) not in state.taken:
            return Proposal(x, assignments, strategy, reason)
    assignments = unseen_point(space, set(state.taken), rng)
    return Proposal(space.encode([assignments])[0], assignments, strategy, reason)
