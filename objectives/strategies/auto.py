"""auto: the strategy that suits the space and the data, which is what everyone gets who names none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from objectives.strategies.ehvi import log_ehvi
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State
from objectives.strategies.ucb import ucb

__all__ = ["auto"]


def auto(state: State, rng: np.random.Generator) -> Proposal:
    """Quasi-random points at first, then the largest expected gain in hypervolume, or optimism with one objective."""
    if state.problem.m == 0:
        return _without_objectives(state, rng)
    return ucb(state, rng) if state.problem.m == 1 else log_ehvi(state, rng)


def _without_objectives(state: State, rng: np.random.Generator) -> Proposal:
    proposal = quasi_random(state, rng)
    return replace(proposal, reason="No metric is optimized, so the space is covered evenly.")
