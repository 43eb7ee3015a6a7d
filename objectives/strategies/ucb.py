"""ucb: the candidate with the best optimistic guess, for one objective (Srinivas et al. 2010).

The breadth of the optimism changes from turn to turn. Against log expected improvement, over nine one-metric
functions of many kinds: as good on smooth ones, far better on rugged ones, where improvement over a lucky best value
is never expected.
"""

from __future__ import annotations

import numpy as np

from objectives.acquisition import upper_bound
from objectives.search import Acquisition
from objectives.shapes import Floats
from objectives.strategies.ehvi import Outlook, log_ehvi
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["optimistic", "ucb"]

#: standard deviations added to the mean, in turn
BREADTHS = (0.3, 0.6, 1.0)
#: how far above the worst value seen a guess must at least count, so that its logarithm exists
LEAST = 1e-6


def ucb(state: State, rng: np.random.Generator) -> Proposal:
    """The optimistic guess above the worst value seen, weighed by feasibility; log_ehvi with several objectives."""
    outlook = Outlook(state)
    if state.few or not outlook.ready:
        return quasi_random(state, rng)
    if len(outlook.gps) > 1 or not state.front.feasible_count:
        return log_ehvi(state, rng)
    found = outlook.search(outlook.weighed(optimistic(outlook)), rng)
    breadth = BREADTHS[state.turn % len(BREADTHS)]
    reason = f"Best optimistic guess of {state.problem.optimized[0].name}: mean and {breadth} standard deviations."
    return Proposal(found.x, found.assignments, "ucb", reason, found.log_value)


def optimistic(outlook: Outlook) -> Acquisition:
    """log of mean and this turn's standard deviations above the worst value seen, of features."""
    breadth = BREADTHS[outlook.state.turn % len(BREADTHS)]
    worst = float(outlook.values.min())

    def value(Z: Floats) -> Floats:
        mean, sd = outlook.predict(Z)
        return np.asarray(np.log(np.maximum(upper_bound(mean[:, 0], sd[:, 0], breadth) - worst, LEAST)))

    return value
