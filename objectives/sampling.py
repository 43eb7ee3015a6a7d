"""Points that ask no model: scrambled Sobol sequences and uniform draws, always valid.

`quasi_random` is what a web process hands out when nothing better is ready, so it is cheap (under 2 ms) and needs
nothing but the problem and two numbers. Sobol points: Owen 1998 (scrambling), Joe & Kuo 2008 (directions).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.stats import qmc

from objectives.errors import SpaceExhaustedError
from objectives.problem import Problem
from objectives.shapes import Assignments, Floats
from objectives.space import SearchSpace

__all__ = ["quasi_random", "quasi_random_points", "sobol", "uniform_points", "unseen_point"]

#: rejection sampling: draws a round and rounds before the walk inside the constraints takes over
BATCH, ROUNDS = 256, 8
#: points of a sequence that are kept together
STRETCH = 64
#: finite spaces up to this many configurations are listed when chance does not find an unseen one
LISTED = 100_000


def sobol(d: int, *, seed: int, index: int, count: int = 1) -> Floats:
    """Points `index` .. `index + count - 1` of the scrambled Sobol sequence that belongs to `seed`, (count, d) in [0,
    1).

    >>> bool((sobol(3, seed=1, index=5)[0] == sobol(3, seed=1, index=4, count=2)[1]).all())
    True
    """
    if count == 1:
        return _stretch(d, seed, index // STRETCH)[index % STRETCH, None].copy()
    engine = qmc.Sobol(d, scramble=True, rng=np.random.default_rng(seed))
    if index:
        engine.fast_forward(index)
        return np.asarray(engine.random(count), dtype=np.float64)
    whole = engine.random(1 << max(count - 1, 0).bit_length())
    return np.asarray(whole[:count], dtype=np.float64)


@lru_cache(maxsize=256)
def _stretch(d: int, seed: int, number: int) -> Floats:
    """A part of a sequence, for those who ask for it point by point: to scramble costs more than all its points."""
    return sobol(d, seed=seed, index=number * STRETCH, count=STRETCH)


def quasi_random(problem: Problem, *, seed: int, index: int, avoid: Iterable[Assignments] = ()) -> dict[str, Any]:
    """The `index`-th point of the seed's scrambled Sobol sequence: valid, and none of `avoid`.

    Where the sequence's own point breaks a linear constraint or is in `avoid`, another one takes its place, drawn
    uniformly from the valid ones by dice that depend on seed and index alone. Same arguments, same answer.
    Raises SpaceExhaustedError when a finite space has nothing but `avoid` left.

    >>> from objectives.metrics import Metric
    >>> from objectives.space import Double, SearchSpace
    >>> problem = Problem(SearchSpace((Double("x", 0.0, 1.0),)), (Metric("y"),))
    >>> [round(quasi_random(problem, seed=7, index=i)["x"], 2) for i in range(4)]
    [0.65, 0.15, 0.45, 0.95]
    """
    space = problem.space
    taken = {space.key(assignments) for assignments in avoid}
    X = space.spread(sobol(space.d, seed=seed, index=index))
    if space.valid(X)[0]:
        found: dict[str, Any] = space.decode(X)[0]
        if not taken or space.key(found) not in taken:
            return found
    return unseen_point(space, taken, np.random.default_rng((seed, index)))


def quasi_random_points(space: SearchSpace, *, seed: int, index: int, count: int, rng: np.random.Generator) -> Floats:
    """`count` valid points (count, d) of the sequence from `index` on; invalid ones are replaced by uniform draws."""
    X = space.spread(sobol(space.d, seed=seed, index=index, count=count))
    valid = space.valid(X)
    if not valid.all():
        X[~valid] = uniform_points(space, int((~valid).sum()), rng)
    return X


def unseen_point(space: SearchSpace, taken: set[Any], rng: np.random.Generator) -> dict[str, Any]:
    """One valid random point whose key is not in `taken`, or SpaceExhaustedError when a finite space has none left."""
    for round_ in range(4):
        for assignments in space.decode(uniform_points(space, 4**round_, rng)):
            if space.key(assignments) not in taken:
                return assignments
    left = (
        [a for a in space.decode(space.enumerate(LISTED)) if space.key(a) not in taken] if space.size < LISTED else []
    )
    if left:
        return left[int(rng.integers(len(left)))]
    more = space.decode(uniform_points(space, 10 * len(taken), rng)) if space.size > len(taken) else []
    for assignments in more:
        if space.key(assignments) not in taken:
            return assignments
    raise SpaceExhaustedError(f"all {len(taken)} configurations are observed or pending", size=space.size)


def uniform_points(space: SearchSpace, count: int, rng: np.random.Generator) -> Floats:
    """`count` valid points (count, d), drawn from the priors (uniformly without) and kept if the constraints hold.

    Rejection first; where it finds too few, a random walk inside the constraints (hit-and-run, Smith 1984) from a point
    in their middle. SpaceExhaustedError if the constraints leave nothing.
    """
    X = space.spread(rng.random((count, space.d)))
    if not space.constraints:
        return X
    X = X[space.valid(X)]
    for _ in range(ROUNDS):
        if len(X) >= count:
            return X[:count]
        more = space.spread(rng.random((max(BATCH, count), space.d)))
        X = np.vstack([X, more[space.valid(more)]])
    return _fill_up(space, X, count, rng)


def _fill_up(space: SearchSpace, X: Floats, count: int, rng: np.random.Generator) -> Floats:
    start = X[0] if len(X) else _inside(space, rng)
    walked = _walk(space, start, 8 * count, rng)
    keep = np.vstack([X, walked[:: max(1, len(walked) // count)]])
    return np.resize(keep, (count, space.d)) if len(keep) < count else keep[:count]


def _walk(space: SearchSpace, start: Floats, steps: int, rng: np.random.Generator) -> Floats:
    """Hit-and-run with shrinkage: each step tries ever shorter moves along one direction until one is valid."""
    path = [start]
    for _ in range(steps):
        direction = rng.normal(size=space.d) * (rng.random(space.d) < 0.5)
        lengths = rng.uniform(-1.0, 1.0, 12) * 0.6 ** np.arange(12)
        tried = space.snap(path[-1] + lengths[:, None] * direction)
        good = np.flatnonzero(space.valid(tried))
        path.append(tried[good[0]] if len(good) else path[-1])
    return np.array(path[1:])


def _inside(space: SearchSpace, rng: np.random.Generator) -> Floats:
    """One valid point found by linear programming on the linear parameters, the others drawn at random.

    Random objectives lead to random corners; their mean lies inside. Snapping may leave the valid region, so that many
    blends are tried. SpaceExhaustedError if none is valid.
    """
    linear = _linear_parts(space)
    for X in (space.spread(rng.random((1, space.d))) for _ in range(8)):
        corners = [corner for _ in range(2 * space.d) if (corner := _corner(space, X[0], linear, rng)) is not None]
        if not corners:
            continue
        blends = rng.dirichlet(np.ones(len(corners)), 512) @ np.array(corners)
        tried = space.snap(np.vstack([np.mean(corners, axis=0), *corners, blends]))
        tried = tried[space.valid(tried)]
        if len(tried):
            return np.asarray(tried[0], dtype=np.float64)
    raise SpaceExhaustedError("no configuration satisfies the linear constraints", constraints=len(space.constraints))


def _linear_parts(space: SearchSpace) -> list[bool]:
    return [not getattr(parameter, "log", False) for parameter in space.parameters]


def _corner(space: SearchSpace, x: Floats, linear: list[bool], rng: np.random.Generator) -> Floats | None:
    """The valid point extreme in a random direction, with x's coordinates kept where the scale is not linear."""
    free = np.array(linear) & ~space.categorical & space.active(x[None])[0]
    probe = np.vstack(
        [x, np.where(free, 0.0, x), *np.where(np.eye(space.d, dtype=bool) & free, 1.0, np.where(free, 0.0, x))]
    )
    slack = space.slack(probe)
    slopes = (slack[2:] - slack[1]).T
    result = linprog(
        rng.normal(size=space.d),
        A_ub=-slopes,
        b_ub=slack[1],
        bounds=[(0.0, 1.0) if f else (float(v), float(v)) for f, v in zip(free, x, strict=True)],
    )
    return np.asarray(result.x, dtype=np.float64) if result.status == 0 else None
