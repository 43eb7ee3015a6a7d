"""thompson: one draw of what the functions could be, and the candidate that gains most if it is so.

Joint posterior draws at a few hundred candidates (Thompson 1933; for several objectives Bradford et al. 2018, TSEMO).
Weaker than log_ehvi alone; its randomness makes it a good companion where many suggestions are asked for at once.
"""

from __future__ import annotations

import numpy as np

from objectives.pareto import hypervolume
from objectives.population import perturb
from objectives.sampling import uniform_points
from objectives.scalarization import augmented_chebyshev, normalise, simplex_weights
from objectives.search import best_free
from objectives.shapes import Floats
from objectives.strategies.ehvi import Outlook, log_ehvi
from objectives.strategies.feasibility import log_acceptable
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["thompson"]

#: random candidates and neighbours of good ones in one draw
RANDOM, NEIGHBOURS = 120, 150
#: beyond, a hypervolume for each candidate would take too long
MOST_OBJECTIVES = 4


def thompson(state: State, rng: np.random.Generator) -> Proposal:
    """The candidate whose drawn values add most hypervolume to the front (improve most, with one objective)."""
    outlook = Outlook(state)
    if state.few or not outlook.ready or state.models is None:
        return quasi_random(state, rng)
    if not state.front.feasible_count:
        return log_ehvi(state, rng)
    X = _candidates(state, rng)
    Z = state.models.features(X)
    Y = np.column_stack([gp.draw(Z, rng) for gp in outlook.gps])
    values = _worth(outlook, Y, rng) + log_acceptable(state, Z)
    found = best_free(state.problem.space, X, values, state.taken, rng)
    reason = "Gains most if one random draw of what the models allow is true."
    return Proposal(found.x, found.assignments, "thompson", reason, found.log_value)


def _worth(outlook: Outlook, Y: Floats, rng: np.random.Generator) -> Floats:
    """log hypervolume gain (c,) of drawn values; beyond four objectives the Chebyshev value for random weights."""
    m = Y.shape[1]
    if m > MOST_OBJECTIVES:
        low, high = outlook.front.min(axis=0), outlook.front.max(axis=0)
        return augmented_chebyshev(normalise(Y, low, high), simplex_weights(1, m, rng)[0])
    ref_point = outlook.ref_point if m > 1 else outlook.values.min(axis=0)
    covered = hypervolume(outlook.front, ref_point)
    gains = np.array([hypervolume(np.vstack([outlook.front, y]), ref_point) - covered for y in Y])
    return np.asarray(np.log(np.maximum(gains, 1e-300)) + 1e-6 * Y.sum(axis=1), dtype=np.float64)


def _candidates(state: State, rng: np.random.Generator) -> Floats:
    space = state.problem.space
    good = state.models.population if state.models is not None else state.observed
    near = perturb(space, good[rng.integers(len(good), size=NEIGHBOURS)], 0.05, rng)
    return np.unique(np.vstack([good, near, uniform_points(space, RANDOM, rng)]), axis=0)
