"""parego: the candidate with the largest expected improvement of one random scalarization (Knowles 2006).

Cheap with any number of objectives, and it needs no reference point; weaker than the hypervolume where that is
affordable.
"""

from __future__ import annotations

import numpy as np

from objectives.acquisition import log_ei
from objectives.fitting import scalarized
from objectives.shapes import Floats
from objectives.strategies.ehvi import Outlook, log_ehvi
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["parego"]


def parego(state: State, rng: np.random.Generator) -> Proposal:
    """Expected improvement of a scalarized GP with random weights, weighed by feasibility; log_ehvi with one
    objective."""
    outlook = Outlook(state)
    if state.few or not outlook.ready:
        return quasi_random(state, rng)
    models = state.models
    member = None if models is None else scalarized(state.problem, state.data, models, rng)
    if models is None or member is None or not state.front.feasible_count:
        return log_ehvi(state, rng)
    gp = member.gp.believe(models.features(state.open_points))
    best = float(gp.y.max())
    found = outlook.search(outlook.weighed(lambda Z: _log_ei(*gp.standard(Z), best)), rng)
    words = ", ".join(f"{x.name} {w:.2f}" for x, w in zip(state.problem.optimized, member.weights, strict=True))
    reason = f"Largest expected improvement with the objectives weighed {words}."
    return Proposal(found.x, found.assignments, "parego", reason, found.log_value)


def _log_ei(mean: Floats, var: Floats, best: float) -> Floats:
    return log_ei(mean, np.sqrt(var), best)
