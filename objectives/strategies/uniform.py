"""random: a uniform draw from the valid, free configurations. The yardstick every other strategy has to beat."""

from __future__ import annotations

import numpy as np

from objectives.sampling import unseen_point
from objectives.strategies.state import Proposal, State

__all__ = ["random"]


def random(state: State, rng: np.random.Generator) -> Proposal:
    """One valid configuration by chance alone (by the priors, where parameters have them)."""
    space = state.problem.space
    assignments = unseen_point(space, set(state.taken), rng)
    return Proposal(space.encode([assignments])[0], assignments, "random", "Drawn by chance, as asked for.")
