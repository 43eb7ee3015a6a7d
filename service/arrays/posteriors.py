"""Stored models asked about any configuration. They are conditioned on today's data here, never fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from objectives.fitting import conditioned
from objectives.importances import probability_feasible, probability_to_join
from objectives.models import Models
from service.arrays.rows import Measured

__all__ = ["Prediction", "predict"]

#: Points of the front that a configuration is held against, evenly taken where there are more: draws cost their cube.
MOST_RIVALS: Final = 150
#: Joint draws behind a probability: good to about four hundredths.
DRAWS: Final = 200
#: The same question gets the same answer.
SEED: Final = 1


@dataclass(frozen=True)
class Prediction:
    """What models expect of a configuration: (mean, standard deviation) of each metric in its own units.

    `on_front`: the probability that it is feasible and no point of today's front beats it; None where an optimized
    metric has no model.
    """

    values: Mapping[str, tuple[float, float]]
    feasible: float
    on_front: float | None


def predict(
    found: Measured,
    state: Mapping[str, Any],
    assignments: Sequence[Mapping[str, Any]],
    front: Sequence[Mapping[str, Any]],
) -> tuple[Prediction, ...]:
    """Return what the stored models, conditioned on what was measured, expect of each configuration."""
    problem = found.problem
    with threadpool_limits(limits=1):
        models = conditioned(problem, found.searched, Models.from_dict(state))
        mean, sd = models.predict(assignments)
        feasible = probability_feasible(models, assignments)
        joined = _joined(models, assignments, front)
    return tuple(
        Prediction(
            {
                metric.name: (float(mean[i, j]), float(sd[i, j]))
                for j, metric in enumerate(problem.metrics)
                if np.isfinite(mean[i, j])
            },
            float(feasible[i]),
            None if joined is None else float(joined[i]),
        )
        for i in range(len(assignments))
    )


def _joined(models: Models, assignments: Sequence[Mapping[str, Any]], front: Sequence[Mapping[str, Any]]) -> Any:
    problem = models.problem
    if problem is None or any(models.gps[j] is None for j in problem.optimized_index):
        return None
    rivals = [front[i] for i in np.unique(np.linspace(0, len(front) - 1, MOST_RIVALS).astype(int))] if front else []
    return probability_to_join(models, assignments, rivals, rng=np.random.default_rng(SEED), draws=DRAWS)
