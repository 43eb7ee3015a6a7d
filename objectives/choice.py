"""Which task a configuration is tried at: what each would tell of the real one, for what it costs."""

from __future__ import annotations

import numpy as np

from objectives.models import Models
from objectives.shapes import Floats
from objectives.strategies import Proposal, State
from objectives.tasks import Task, design_weights, spread_choice

__all__ = ["choose_task", "told"]

#: share of the doubt that even a task which tells nothing is credited with, so that every task stays in play
LEAST = 0.01


def choose_task(state: State, proposal: Proposal) -> Task | None:
    """The task for a proposal, None where there are no tasks; one at which it was not tried yet.

    With models each task has its turn as often as the doubt about the real value that it would remove, divided by its
    cost: the budget is spent on the tasks in proportion to what they tell (after Kandasamy et al. 2017, who take the
    cheapest that tells enough). Before there are models the cheap come more often, by exp(-cost).
    """
    tasks = _untried(state, proposal)
    if not tasks:
        return None
    weights = design_weights(tasks)
    if not state.few and state.models is not None:
        costs = np.array([task.cost for task in tasks])
        weights = np.maximum(told(state.models, proposal.x, costs), LEAST) / costs
    return spread_choice(tasks, weights, state.turn)


def _untried(state: State, proposal: Proposal) -> tuple[Task, ...]:
    if not state.problem.tasks:
        return ()
    data, key = state.data, state.problem.space.key
    mine = key(proposal.assignments)
    measured = zip(data.assignments, data.costs.tolist(), strict=True)
    pending = zip(data.pending, data.pending_costs.tolist(), strict=True)
    tried = {cost for assignments, cost in (*measured, *pending) if key(assignments) == mine}
    return tuple(task for task in state.problem.tasks if task.cost not in tried or task.cost == 1.0)


def told(models: Models, x: Floats, costs: Floats) -> Floats:
    """Share (t,) of the variance of the real values at x (d,) that a measurement at each cost would remove.

    The mean over the metrics that have a model; 1 is everything.
    """
    gps = [gp for gp in models.gps if gp is not None]
    real = models.features(x[None])
    shares = np.zeros((len(costs), max(len(gps), 1)))
    for j, gp in enumerate(gps):
        before = gp.standard(real)[1]
        for i, cost in enumerate(costs.tolist()):
            there = models.features(x[None], np.array([cost]))
            shares[i, j] = 1.0 - float((gp.believe(there).standard(real)[1] / before)[0])
    return np.asarray(np.clip(shares.mean(axis=1), 0.0, 1.0), dtype=np.float64)
