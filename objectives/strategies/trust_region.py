"""trust_region: log_ehvi kept to a box around one point of the front, that grows with success and shrinks without.

For many parameters, where a global model is vague everywhere and its search buys corners, and for models that are
sure of their picture (Eriksson et al. 2019, TuRBO; Daulton et al. 2022, MORBO). The size of the box follows from the
history alone, so nothing needs to be remembered.
"""

from __future__ import annotations

import numpy as np

from objectives.pareto import nondominated
from objectives.population import repair
from objectives.search import ROUNDS, Acquisition, best_free
from objectives.shapes import Bools, Floats
from objectives.strategies.ehvi import Outlook, log_ehvi
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["box_length", "improvements", "trust_region"]

#: side of the box in the unit cube: at first, least, and most
START, LEAST, MOST = 0.6, 0.02, 1.2
#: successes in a row that double it; failures that halve it are as many as this share of the parameters, at least 4
SUCCESSES, PATIENCE = 3, 0.3
CANDIDATES = 400
#: about so many coordinates are changed at once
CHANGED = 12


def trust_region(state: State, rng: np.random.Generator) -> Proposal:
    """The largest expected gain inside the box around one point of the front, the points taken in turn."""
    outlook = Outlook(state)
    if state.few or not outlook.ready:
        return quasi_random(state, rng)
    if not state.front.feasible_count:
        return log_ehvi(state, rng)
    side = box_length(improvements(outlook), state.problem.space.d)
    centre = state.observed[state.front.indices[state.turn % len(state.front.indices)]]
    X, values = _inside(outlook, outlook.gain(rng), centre, side, rng)
    found = best_free(state.problem.space, X, values, state.taken, rng)
    reason = f"Largest expected gain near one point of the front, in a box of {side:.0%} of each range."
    return Proposal(found.x, found.assignments, "trust_region", reason, found.log_value)


def improvements(outlook: Outlook) -> Bools:
    """Whether each complete row (n,) after the first design was on the front of the rows so far."""
    Y = np.where(outlook.feasible[:, None], outlook.values, outlook.values.min(axis=0) - 1.0)
    first = outlook.state.design_size
    if Y.shape[1] == 1:
        return np.asarray(Y[first:, 0] == np.maximum.accumulate(Y[:, 0])[first:], dtype=np.bool_)
    return np.array([nondominated(Y[: i + 1])[-1] for i in range(first, len(Y))], dtype=np.bool_)


def box_length(improved: Bools, d: int) -> float:
    """Side of the box after a history (n,) of improvements.

    >>> box_length(np.array([True, True, True]), 10), box_length(np.zeros(8, dtype=bool), 10)
    (1.2, 0.15)
    """
    side, good, bad, patience = START, 0, 0, max(4, int(PATIENCE * d))
    for success in improved:
        good, bad = (good + 1, 0) if success else (0, bad + 1)
        if good == SUCCESSES:
            side, good = min(2.0 * side, MOST), 0
        if bad == patience:
            side, bad = max(side / 2.0, LEAST), 0
    return side


def _inside(
    outlook: Outlook, acquisition: Acquisition, centre: Floats, side: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Candidates in the box and their values, after a few rounds around the best of them."""
    X = _around(outlook, centre[None], side, CANDIDATES, rng)
    values = acquisition(X)
    for step in ROUNDS[::2]:
        best = X[np.argsort(-values, kind="stable")[:6]]
        fresh = _around(outlook, best, min(4.0 * step, side) / 2.0, 48, rng)
        X, values = np.vstack([X, fresh]), np.concatenate([values, acquisition(fresh)])
    return X, values


def _around(outlook: Outlook, centres: Floats, side: float, count: int, rng: np.random.Generator) -> Floats:
    """Points within half a side of the centres, stretched by the models' length scales, few coordinates changed.

    Among categories nothing is near: as many of them as half a side says change to any other one (Wan et al. 2021).
    """
    space = outlook.state.problem.space
    lengths = np.exp(np.mean([np.log(gp.lengths) for gp in outlook.gps], axis=0))[: space.d]
    lengths = np.clip(lengths / np.exp(np.log(lengths).mean()), 0.2, 5.0)
    home = centres[rng.integers(len(centres), size=count)]
    changed = rng.random(home.shape) < np.where(
        space.categorical, min(CHANGED / space.d, side / 2.0), CHANGED / space.d
    )
    changed[np.arange(count), rng.integers(space.d, size=count)] = True
    nearby = home + side * lengths * rng.uniform(-0.5, 0.5, home.shape)
    if space.categorical.any():
        nearby = np.where(space.categorical, space.spread(rng.random(home.shape)), nearby)
    return repair(space, space.snap(np.where(changed, nearby, home)), home)
