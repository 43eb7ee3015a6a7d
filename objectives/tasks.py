"""Tasks: cheaper stand-ins for the real measurement (fewer epochs, part of the data), each at a share of its cost.

What a cheap task says is evidence about the real one, at cost 1, on which alone best and front are judged. How a cost
becomes a coordinate of the models stands here, and which task a suggestion gets while there are no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from objectives.errors import DataError
from objectives.shapes import Floats

__all__ = ["Task", "check_tasks", "design_weights", "fidelity", "spread_choice"]

#: the fractional part of the golden ratio: multiples of it fill the unit interval as evenly as any sequence can
GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Task:
    """A way to measure, and what it costs; the real one costs 1."""

    name: str
    cost: float


def check_tasks(tasks: Sequence[Task]) -> None:
    """DataError unless there are none, or at least two of distinct names and costs in (0, 1], the dearest at 1."""
    if not tasks:
        return
    costs = [task.cost for task in tasks]
    if len(tasks) < 2 or len({task.name for task in tasks}) < len(tasks) or len(set(costs)) < len(costs):
        raise DataError("at least two tasks are needed, with names and costs that differ", costs=costs)
    if not min(costs) > 0 or max(costs) != 1.0:
        raise DataError("the costs of tasks lie above 0 and up to 1, and one task costs 1", costs=costs)


def fidelity(costs: Floats, cheapest: float) -> Floats:
    """The coordinate (n,) of costs for the models: 0 for the cheapest, 1 for the real task, even steps for even ratios.

    >>> fidelity(np.array([0.01, 0.1, 1.0]), 0.01).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.asarray(1.0 - np.log(costs) / np.log(cheapest), dtype=np.float64)


def design_weights(tasks: Sequence[Task]) -> Floats:
    """How often each task is wanted (t,) before models can say what it tells: exp(-cost), summing to 1."""
    weights = np.exp(-np.array([task.cost for task in tasks]))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def spread_choice(tasks: Sequence[Task], weights: Floats, turn: int) -> Task:
    """The task of turn number `turn`: in the long run as often as its weight says, and never far from it on the way.

    The dearest task comes first, so that something real is known from the start.

    >>> tasks = (Task("real", 1.0), Task("quick", 0.1))
    >>> [spread_choice(tasks, design_weights(tasks), turn).name for turn in range(4)]
    ['real', 'quick', 'real', 'quick']
    """
    order = np.argsort([-task.cost for task in tasks], kind="stable")
    edges = np.cumsum(weights[order] / weights.sum())
    place = int(np.searchsorted(edges, (turn * GOLDEN) % 1.0, side="right"))
    return tasks[int(order[min(place, len(tasks) - 1)])]
