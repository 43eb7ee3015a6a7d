"""The search for the configuration that an acquisition function likes best: a population, and a climb where there are
many parameters.

Integers, categories, conditions and constraints need no special case here, since every move keeps to the space. Small
finite spaces are simply listed. As good as L-BFGS from a few starts in the prototypes, and faster.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from objectives.errors import SpaceExhaustedError
from objectives.population import differential, perturb
from objectives.sampling import uniform_points, unseen_point
from objectives.shapes import Floats, Ints
from objectives.space import SearchSpace

__all__ = ["POOL", "ROUNDS", "Acquisition", "Found", "best_free", "maximise"]

#: coordinates (c, d) -> log acquisition (c,)
Acquisition = Callable[[Floats], Floats]

#: a finite space of at most this many configurations is listed instead of searched
LISTED = 2_000
NEIGHBOURS, RANDOM = 250, 150
#: at most so many starts are valued themselves; more come with hundreds of observations, when each is dear
MOST_STARTS = 160
#: step sizes of the first neighbours
STEPS = np.array([0.1, 0.03, 0.01])
#: with more free coordinates than this the best few candidates also climb along the gradient, for so many turns
STEEP, CLIMBERS, TURNS = 12, 4, 10
#: lengths tried along a gradient, in shares of the cube's diagonal; and the distance of its differences
STRIDES, NUDGE = np.array([0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001]), 1e-4
#: step sizes of the refinement rounds, neighbours in each, the best that they are made of, and those whose differences
#: are moves
ROUNDS, PER_ROUND, BEST, POOL = (0.08, 0.04, 0.02, 0.01, 0.005, 0.002), 24, 6, 20


@dataclass(frozen=True)
class Found:
    """The winner: its coordinates (d,), its assignments, and its log acquisition."""

    x: Floats
    assignments: dict[str, Any]
    log_value: float


def maximise(
    space: SearchSpace,
    acquisition: Acquisition,
    starts: Floats,
    *,
    taken: Set[Hashable],
    rng: np.random.Generator,
    edges: bool = False,
) -> Found:
    """The best configuration whose key is not in `taken`, as far as the search finds it.

    `starts` (s, d): valid coordinates where good ones are expected. About 750 evaluations of the acquisition in eight
    calls, and up to 40 (d + 8) more where there are many parameters: chance does not find the way in 30 dimensions.
    `edges`: whether moves that would leave the box end exactly on its edge. SpaceExhaustedError if a finite space has
    nothing left.
    """
    X = _listed(space) if space.size <= LISTED else _first(space, starts, rng, edges)
    values = _safe(acquisition, X)
    if space.size > LISTED:
        if int((~space.discrete).sum()) > STEEP:
            X, values = _climb(space, acquisition, X, values)
        X, values = _refined(space, acquisition, X, values, rng=rng, edges=edges)
    return best_free(space, X, values, taken, rng)


def _listed(space: SearchSpace) -> Floats:
    X = space.enumerate(LISTED)
    if len(X) == 0:
        raise SpaceExhaustedError("no configuration satisfies the constraints", size=space.size)
    return X


def _first(space: SearchSpace, starts: Floats, rng: np.random.Generator, edges: bool) -> Floats:
    """The starts, neighbours of them at several distances, and random points."""
    random = uniform_points(space, RANDOM, rng)
    if len(starts) == 0:
        return random
    if len(starts) > MOST_STARTS:
        starts = starts[np.sort(rng.permutation(len(starts))[:MOST_STARTS])]
    chosen = starts[rng.integers(len(starts), size=NEIGHBOURS)]
    steps = STEPS[rng.integers(len(STEPS), size=(NEIGHBOURS, 1))]
    return np.vstack([starts, perturb(space, chosen, steps, rng, edges=edges), random])


def _refined(
    space: SearchSpace, acquisition: Acquisition, X: Floats, values: Floats, *, rng: np.random.Generator, edges: bool
) -> tuple[Floats, Floats]:
    """X and values with the rows that the rounds added; only the best so far are carried from round to round."""
    all_X, all_values = [X], [values]
    for step in ROUNDS:
        top = np.argsort(-values, kind="stable")[:POOL]
        pool, heights = X[top], values[top]
        best = pool[:BEST]
        around = perturb(space, best[np.arange(PER_ROUND) % len(best)], step, rng, edges=edges)
        across = differential(space, np.repeat(best, 2, axis=0), pool, rng, edges=edges)
        new = np.concatenate([around, across])
        found = _safe(acquisition, new)
        all_X.append(new)
        all_values.append(found)
        X, values = np.concatenate([pool, new]), np.concatenate([heights, found])
    return np.concatenate(all_X), np.concatenate(all_values)


def _climb(space: SearchSpace, acquisition: Acquisition, X: Floats, values: Floats) -> tuple[Floats, Floats]:
    """X and values with the ends of a steepest ascent from the best few rows added; discrete coordinates stay."""
    free = np.flatnonzero(~space.discrete)
    top = np.argsort(-values, kind="stable")[:CLIMBERS]
    at, height = X[top], values[top]
    for _ in range(TURNS):
        paths = _along(space, at, _slope(acquisition, at, height, free), free)
        reached = np.where(space.valid(paths), _safe(acquisition, paths), -np.inf).reshape(len(at), -1)
        row, best = np.arange(len(at)), reached.argmax(axis=1)
        higher = reached[row, best] > height
        if not higher.any():
            break
        at = np.where(higher[:, None], paths.reshape(len(at), len(STRIDES), -1)[row, best], at)
        height = np.where(higher, reached[row, best], height)
    return np.vstack([X, at]), np.concatenate([values, height])


def _slope(acquisition: Acquisition, at: Floats, height: Floats, free: Ints) -> Floats:
    """Gradient (c, f) at the rows `at` by differences inwards, without what points out of the cube."""
    inwards = np.where(at[:, free] > 0.5, -NUDGE, NUDGE)
    nudged = np.repeat(at, len(free), axis=0)
    nudged[np.arange(len(nudged)), np.tile(free, len(at))] += inwards.ravel()
    slope = (_safe(acquisition, nudged).reshape(len(at), -1) - height[:, None]) / inwards
    out = ((at[:, free] <= 0.0) & (slope < 0)) | ((at[:, free] >= 1.0) & (slope > 0)) | ~np.isfinite(slope)
    return np.where(out, 0.0, slope)


def _along(space: SearchSpace, at: Floats, slope: Floats, free: Ints) -> Floats:
    """Points (c STRIDES, d) at every stride along the slopes, cut off at the cube."""
    length = np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300)
    direction = np.sqrt(len(free)) * slope / length
    paths = np.repeat(at, len(STRIDES), axis=0)
    paths[:, free] += np.repeat(direction, len(STRIDES), axis=0) * np.tile(STRIDES, len(at))[:, None]
    return space.snap(np.clip(paths, 0.0, 1.0))


def _safe(acquisition: Acquisition, X: Floats) -> Floats:
    values = acquisition(X)
    missing = np.isnan(values)
    return np.where(missing, -np.inf, values) if missing.any() else values


def best_free(space: SearchSpace, X: Floats, values: Floats, taken: Set[Hashable], rng: np.random.Generator) -> Found:
    """The row of X (c, d) with the largest value whose key is not taken; any free configuration if all are."""
    for i in np.argsort(-values, kind="stable"):
        assignments = space.decode(X[i])[0]
        if space.key(assignments) not in taken:
            return Found(X[i], assignments, float(values[i]))
    assignments = unseen_point(space, set(taken), rng)
    x = space.encode([assignments])
    return Found(x[0], assignments, float(_safe(acquisition=lambda _: np.array([-np.inf]), X=x)[0]))
