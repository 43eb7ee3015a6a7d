"""constraint_active_search: the candidate that covers most new ground among what meets every threshold.

For those who want many different acceptable configurations rather than one best: expected coverage improvement
(Malkomes, Cheng, Lee, McCourt 2021). Every satisfying point stands for a ball around it; a candidate is worth the part
of its own ball that no such ball covers yet, times its chance of satisfying.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from objectives.kernels import squared_distances
from objectives.sampling import uniform_points
from objectives.search import maximise
from objectives.shapes import Bools, Floats
from objectives.space import SearchSpace
from objectives.strategies.feasibility import log_reaching
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["Coverage", "constraint_active_search", "distances"]

#: points of a ball that are looked at, and of the space for the share of it that satisfies
BALL, SPACE = 48, 256
#: satisfying points, newest first, whose balls count; older ones lie far from where there is ground to gain
MOST = 400
#: balls overlap: their radius is this much larger than if they were to tile the region
OVERLAP = 1.5
SMALLEST, LARGEST = 0.02, 0.5
#: what covered ground far from its ball's centre is still worth, so that the search goes on when all is covered
COVERED = 1e-3
#: on every third turn before this share of the budget (always, while nothing satisfies) doubts are widened, so that
#: other islands are found
INFLATION, ISLANDS_UNTIL = 4.0, 0.7


@dataclass(frozen=True)
class Coverage:
    """What satisfies `limits` (k,) so far (maximised units, -inf for none), and how large a ball each point stands
    for."""

    state: State
    limits: Floats
    rng: np.random.Generator

    @cached_property
    def satisfying(self) -> Bools:
        """Mask over the complete rows."""
        problem, rows = self.state.problem, self.state.complete
        Y = problem.to_max(self.state.data.values)[rows]
        limited = np.isfinite(self.limits)
        return np.asarray((Y[:, limited] >= self.limits[limited]).all(axis=1), dtype=np.bool_)

    @cached_property
    def centres(self) -> Floats:
        """Coordinates (s, d) of the newest satisfying points."""
        return np.asarray(self.state.observed[self.state.complete][self.satisfying][-MOST:], dtype=np.float64)

    @cached_property
    def radius(self) -> float:
        """So large that half the budget's balls fill the part of the space that is believed to satisfy."""
        space = self.state.problem.space
        d = max(int((~space.categorical).sum()), 1)
        inside = np.exp(self.log_chance(uniform_points(space, SPACE, self.rng))).mean()
        balls = max(self.state.budget, self.state.turn + 1) / 2.0
        log_unit = 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1.0)
        radius = OVERLAP * math.exp((math.log(max(float(inside), 1.0 / SPACE) / balls) - log_unit) / d)
        return min(max(radius, SMALLEST), LARGEST * math.sqrt(d))

    def log_chance(self, X: Floats, *, inflate: float = 1.0) -> Floats:
        """log probability (c,) that candidates satisfy."""
        models = self.state.models
        return log_reaching(self.state, models.features(X) if models is not None else X, self.limits, inflate=inflate)

    def gain(self, X: Floats) -> Floats:
        """log expected coverage improvement (c,), up to a constant. O(c BALL s d)."""
        chance = self.log_chance(X, inflate=self.inflation)
        if len(self._taken_ground) == 0:
            return chance
        return np.asarray(chance + np.log(self._uncovered(X) + COVERED * self._apart(X)), dtype=np.float64)

    @property
    def inflation(self) -> float:
        """What the models' doubts are multiplied by this turn."""
        early = self.state.turn < ISLANDS_UNTIL * self.state.budget or not len(self.centres)
        return INFLATION if early and self.state.turn % 3 == 2 else 1.0

    @cached_property
    def _taken_ground(self) -> Floats:
        return np.vstack([self.centres, self.state.open_points])

    @cached_property
    def _belief(self) -> Floats:
        """How surely each of the balls counts (s,): what was measured surely, what is open as the models believe."""
        return np.concatenate([np.ones(len(self.centres)), np.exp(self.log_chance(self.state.open_points))])

    def _uncovered(self, X: Floats) -> Floats:
        """Share (c,) of each candidate's ball that lies inside the space and is not covered yet."""
        space = self.state.problem.space
        numeric = ~space.categorical & space.active(X)[:, None, :]
        ball = X[:, None, :] + self.radius * self._offsets[None] * numeric
        inside = ((ball >= 0.0) & (ball <= 1.0)).all(axis=2)
        far = self._distances(ball.reshape(-1, space.d)) > self.radius
        left = np.prod(np.where(far, 1.0, 1.0 - self._belief), axis=1).reshape(len(X), BALL)
        return np.asarray((left * inside).mean(axis=1), dtype=np.float64)

    def _apart(self, X: Floats) -> Floats:
        """Distance (c,) to the nearest ball's centre, in radii, at most 1; never 0."""
        nearest = self._distances(X).min(axis=1) / self.radius
        return np.asarray(np.clip(nearest, 1e-3, 1.0), dtype=np.float64)

    def _distances(self, X: Floats) -> Floats:
        return distances(self.state.problem.space, X, self._taken_ground)

    @cached_property
    def _offsets(self) -> Floats:
        """Points (BALL, d) evenly spread in the unit ball of the numbers."""
        d = self.state.problem.space.d
        direction = self.rng.normal(size=(BALL, d)) * ~self.state.problem.space.categorical
        length = np.linalg.norm(direction, axis=1, keepdims=True)
        reach = self.rng.random((BALL, 1)) ** (1.0 / max(int((~self.state.problem.space.categorical).sum()), 1))
        return np.asarray(reach * direction / np.where(length > 0, length, 1.0), dtype=np.float64)


def distances(space: SearchSpace, A: Floats, B: Floats) -> Floats:
    """Distances (a, b) between coordinates: Euclidean among numbers, 1 for each category that differs."""
    categories = space.categorical
    r2 = squared_distances(A[:, ~categories], B[:, ~categories])
    for k in np.flatnonzero(categories).tolist():
        r2 += np.abs(A[:, k, None] - B[None, :, k]) > 1e-9
    return np.sqrt(r2)


def constraint_active_search(state: State, rng: np.random.Generator) -> Proposal:
    """The largest expected coverage improvement over what meets every threshold of the problem."""
    if state.few:
        return quasi_random(state, rng)
    space, coverage = state.problem.space, Coverage(state, state.problem.thresholds_max, rng)
    known = [coverage.centres] + ([state.models.population] if state.models is not None else [])
    starts = space.snap(np.vstack([part for part in known if part.size] or [np.empty((0, space.d))]))
    found = maximise(space, coverage.gain, starts[space.valid(starts)], taken=state.taken, rng=rng)
    count = int(coverage.satisfying.sum())
    if count == 0:
        reason = "Nothing meets every threshold yet: most likely to."
    else:
        reason = f"Most new ground that is likely to meet every threshold; {count} configurations do so far."
    return Proposal(found.x, found.assignments, "constraint_active_search", reason, found.log_value)
