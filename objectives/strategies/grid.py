"""grid: every combination of a few values of each parameter, in order. For those who want to see the whole table."""

from __future__ import annotations

import math

import numpy as np

from objectives.sampling import unseen_point
from objectives.shapes import Floats
from objectives.space import SearchSpace
from objectives.strategies.state import Proposal, State

__all__ = ["grid", "grid_point", "grid_sizes"]

#: combinations looked through for one that is valid and free
AHEAD = 2_000


def grid(state: State, rng: np.random.Generator) -> Proposal:
    """The next free combination; beyond the last one a free configuration by chance."""
    space = state.problem.space
    sizes = grid_sizes(space, state.budget)
    total = math.prod(sizes)
    for index in range(min(total, AHEAD + len(state.taken))):
        x = grid_point(space, sizes, index)
        assignments = space.decode(x)[0]
        if space.valid(x[None])[0] and space.key(assignments) not in state.taken:
            return Proposal(x, assignments, "grid", f"Combination {index + 1} of a grid of {total}.")
    assignments = unseen_point(space, set(state.taken), rng)
    return Proposal(space.encode([assignments])[0], assignments, "grid", "The grid is done; a free one by chance.")


def grid_sizes(space: SearchSpace, budget: int) -> list[int]:
    """How many values each parameter gets: all of a discrete one's that are affordable, so that the product suits.

    Grows the smallest first, until one more would need more than `budget` combinations; at least two each, where there
    are two.
    """
    most = [min(parameter.cardinality, 1e6) for parameter in space.parameters]
    sizes = [int(min(m, 2)) for m in most]
    while True:
        open_ = [
            k for k in range(space.d) if sizes[k] < most[k] and math.prod(sizes) // sizes[k] * (sizes[k] + 1) <= budget
        ]
        if not open_:
            return sizes
        sizes[min(open_, key=lambda k: sizes[k])] += 1


def grid_point(space: SearchSpace, sizes: list[int], index: int) -> Floats:
    """Coordinates (d,) of one combination; the last parameter runs fastest."""
    u = np.empty(space.d)
    for k in range(space.d - 1, -1, -1):
        index, step = divmod(index, sizes[k])
        u[k] = (step + 0.5) / sizes[k]
    return np.asarray(space.spread(u[None])[0], dtype=np.float64)
