"""nsga3: as nsga2, with parents that are kept apart by reference directions (Deb & Jain 2014), for many objectives.

Crowding tells little in four dimensions and more; niches around evenly spread directions keep the whole front alive.
The niches are pymoo's, which is imported on the first call: it takes half a second.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np

from objectives.hypervolume import violations
from objectives.shapes import Floats, Ints
from objectives.strategies.nsga2 import PARENTS, child_of, ranked
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["directions", "nsga3", "survivors"]

REASON = "A child of two configurations from different parts of the front, asked of no model."


def nsga3(state: State, rng: np.random.Generator) -> Proposal:
    """Crossover and mutation among the survivors of the niches; ranked like nsga2 while too little is feasible."""
    if len(state.complete) < state.design_size:
        return quasi_random(state, rng)
    rows = state.complete[violations(state.problem, state.data)[state.complete] == 0]
    if state.problem.m < 2 or len(rows) <= PARENTS:
        return child_of(state, state.observed[ranked(state)[:PARENTS]], "nsga3", REASON, rng)
    Y = state.problem.to_max(state.data.values)[rows][:, state.problem.optimized_index]
    return child_of(state, state.observed[rows[survivors(Y, PARENTS, rng)]], "nsga3", REASON, rng)


def survivors(Y: Floats, count: int, rng: np.random.Generator) -> Ints:
    """Row numbers (count,) of Y (n, m), maximised: the best fronts, the last one thinned out niche by niche."""
    from pymoo.algorithms.moo.nsga3 import ReferenceDirectionSurvival  # noqa: PLC0415 - half a second
    from pymoo.core.population import Population  # noqa: PLC0415
    from pymoo.core.problem import Problem  # noqa: PLC0415

    m = Y.shape[1]
    crowd = Population.new(X=np.arange(len(Y), dtype=np.float64)[:, None], F=-Y)
    survival = ReferenceDirectionSurvival(directions(m, count))
    kept = survival.do(Problem(n_var=1, n_obj=m), crowd, n_survive=count, random_state=rng)
    return np.asarray(kept.get("X")[:, 0], dtype=np.intp)


@cache
def directions(m: int, count: int) -> Floats:
    """About `count` directions (r, m) on the simplex, evenly spread (Das & Dennis 1998): at most twice as many.

    >>> directions(3, 24).shape
    (45, 3)
    """
    from pymoo.util.ref_dirs import get_reference_directions  # noqa: PLC0415 - half a second

    parts = max([1, *(p for p in range(1, 2 * count) if comb(p + m - 1, m - 1) <= 2 * count)])
    return np.asarray(get_reference_directions("das-dennis", m, n_partitions=parts), dtype=np.float64)
