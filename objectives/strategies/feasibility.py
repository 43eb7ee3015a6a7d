"""How likely a candidate is to work and to be acceptable: shared by every strategy that asks models."""

from __future__ import annotations

import numpy as np

from objectives.acquisition import log_feasibility
from objectives.shapes import Floats
from objectives.strategies.state import State

__all__ = ["limited_metrics", "log_acceptable", "log_reaching"]

#: sd of the success model's own doubt, so that a few failures never forbid a region
DOUBT = 0.1


def limited_metrics(state: State) -> list[int]:
    """Columns of the metrics that a candidate must keep to a threshold and that have a model.

    Thresholds of optimized metrics count only until something is feasible: after that the reference point says the
    same.
    """
    problem = state.problem
    wanted = set(problem.constraint_index.tolist())
    if state.front.feasible_count == 0:
        wanted |= set(problem.optimized_index.tolist())
    gps = state.models.gps if state.models is not None else ()
    return [j for j in sorted(wanted) if np.isfinite(problem.thresholds_max[j]) and gps and gps[j] is not None]


def log_acceptable(state: State, Z: Floats, *, inflate: float = 1.0) -> Floats:
    """log probability (c,) that a candidate succeeds and keeps to every limit; `inflate` widens the models' doubt.

    Inflated on some turns, so that islands which a model believes infeasible are looked at again.
    """
    wanted = limited_metrics(state)
    if not wanted and (state.models is None or state.models.success is None):
        return np.zeros(len(Z))
    limits = np.full(state.problem.k, -np.inf)
    limits[wanted] = state.problem.thresholds_max[wanted]
    return log_reaching(state, Z, limits, inflate=inflate)


def log_reaching(state: State, Z: Floats, limits: Floats, *, inflate: float = 1.0) -> Floats:
    """log probability (c,) that a candidate succeeds and reaches `limits` (k,) in maximised units, -inf for none."""
    models = state.models
    if models is None:
        return np.zeros(len(Z))
    total = np.zeros(len(Z))
    for j in np.flatnonzero(np.isfinite(limits)).tolist():
        gp = models.gps[j]
        if gp is not None:
            mean, var = gp.standard(Z)
            limit = gp.standardise(limits[j : j + 1])
            total += log_feasibility(mean[:, None], inflate * np.sqrt(var)[:, None], limit)
    if models.success is not None:
        mean, var = models.success.predict(Z)
        sd = np.sqrt(var + DOUBT**2)
        total += log_feasibility(mean[:, None], sd[:, None], np.array([0.5]))
    return total
