"""quasi_random: the next free point of the scrambled Sobol sequence. Fills the space evenly, asks no model."""

from __future__ import annotations

import numpy as np

from objectives.sampling import sobol, unseen_point
from objectives.strategies.state import Proposal, State

__all__ = ["quasi_random"]

#: points of the sequence looked at before dice decide
AHEAD = 64


def quasi_random(state: State, rng: np.random.Generator) -> Proposal:
    """The first valid, free point of the sequence from the number of configurations so far on."""
    space = state.problem.space
    X = space.spread(sobol(space.d, seed=state.seed, index=state.turn, count=AHEAD))
    for x in X[space.valid(X)]:
        assignments = space.decode(x)[0]
        if space.key(assignments) not in state.taken:
            return Proposal(x, assignments, "quasi_random", "Spreads the first points evenly over the space.")
    assignments = unseen_point(space, set(state.taken), rng)
    x = space.encode([assignments])[0]
    return Proposal(x, assignments, "quasi_random", "A free configuration, drawn by chance.")
