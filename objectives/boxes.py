"""The space above a Pareto front cut into boxes: what makes the expected hypervolume improvement a finite sum.

Local bounds are inserted point by point (Klamroth, Lacour, Vanderpooten 2015); each owns one box of a disjoint cover
(Lacour, Klamroth, Fonseca 2017). Stated for maximisation here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from objectives.shapes import Floats, Ints

__all__ = ["Boxes", "boxes_above"]


@dataclass(frozen=True)
class Boxes:
    """Disjoint boxes [lower, upper), both (c, m); their union is all y > ref_point that no point of the front reaches.

    `upper` may be infinite. An empty c cannot happen: above the front there is always room.
    """

    lower: Floats
    upper: Floats

    def __len__(self) -> int:
        return len(self.lower)

    @cached_property
    def edges(self) -> tuple[tuple[Floats, Ints, Ints], ...]:
        """For each coordinate its distinct finite edges, and which of them is each box's lower and upper one.

        The index after the last edge stands for infinity.
        """
        return tuple(_edges(self.lower[:, j], self.upper[:, j]) for j in range(self.lower.shape[1]))

    @cached_property
    def stairs(self) -> bool:
        """Whether they are the strips of a staircase, bottom up: open in the first of two objectives, each ending where
        the next begins in the second."""
        if self.lower.shape[1] != 2:
            return False
        ends = np.append(self.lower[1:, 1], np.inf)
        return bool(np.isposinf(self.upper[:, 0]).all() and (self.upper[:, 1] == ends).all())

    def volume_below(self, top: Floats) -> float:
        """Volume of the boxes cut off at `top` (m,): what is left to gain below it."""
        return float(np.prod(np.clip(np.minimum(self.upper, top) - self.lower, 0.0, None), axis=1).sum())


def _edges(lower: Floats, upper: Floats) -> tuple[Floats, Ints, Ints]:
    edges, index = np.unique(np.concatenate([lower, upper]), return_inverse=True)
    return edges[np.isfinite(edges)], index[: len(lower)], index[len(lower) :]


def boxes_above(Y: Floats, ref_point: Floats, *, limit: int = 20_000) -> Boxes | None:
    """The boxes above the rows of Y (n, m) and above `ref_point` (m,); None when there would be more than `limit`.

    A local bound u is a corner such that nothing above u is reached; it is defined by one point a coordinate, and its
    box ends in coordinate j where the defining points of the coordinates before j do. About n + 1 boxes for two
    objectives, 2n for three, growing as n^(m // 2).

    >>> boxes = boxes_above(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2))
    >>> boxes.volume_below(np.array([3.0, 3.0]))
    6.0
    """
    m = len(ref_point)
    if m == 2:
        boxes = _stairs(Y[(ref_point < Y).all(axis=1)], ref_point)
        return boxes if len(boxes) <= limit else None
    bounds = np.array(ref_point, dtype=np.float64)[None]
    makers = np.full((1, m, m), np.inf)
    makers[0, np.arange(m), np.arange(m)] = ref_point
    for z in _relevant(Y, bounds[0]):
        bounds, makers = _insert(bounds, makers, z)
        if len(bounds) > limit:
            return None
    return _nonempty(bounds, _upper(makers))


def _relevant(Y: Floats, ref_point: Floats) -> Floats:
    """Rows above the reference point, each once, best first in the first objective."""
    Y = np.unique(np.asarray(Y, dtype=np.float64).reshape(-1, len(ref_point)), axis=0)[::-1]
    return Y[(ref_point < Y).all(axis=1)]


def _stairs(Y: Floats, ref_point: Floats) -> Boxes:
    """The same boxes for two objectives, where they are strips between the steps of a staircase."""
    Y = Y[np.lexsort((-Y[:, 1], -Y[:, 0]))]
    top = np.maximum.accumulate(Y[:, 1])
    steps = Y[np.append(True, Y[1:, 1] > top[:-1])] if len(Y) else Y
    lower = np.column_stack([np.append(steps[:, 0], ref_point[0]), np.append(ref_point[1], steps[:, 1])])
    upper = np.column_stack([np.full(len(lower), np.inf), np.append(steps[:, 1], np.inf)])
    return Boxes(lower, upper)


def _insert(bounds: Floats, makers: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Local bounds (c, m) and their defining points (c, m, m) after one more point z (m,)."""
    m = len(z)
    diagonal = np.arange(m)
    hit = (bounds < z).all(axis=1)
    hit_bounds, hit_makers = bounds[hit], makers[hit]
    others = hit_makers.copy()
    others[:, diagonal, diagonal] = np.inf
    parent, axis = np.nonzero(z <= others.min(axis=1))
    new_bounds, new_makers = hit_bounds[parent], hit_makers[parent]
    row = np.arange(len(parent))
    new_bounds[row, axis] = z[axis]
    new_makers[row, axis] = z
    return np.concatenate([bounds[~hit], new_bounds]), np.concatenate([makers[~hit], new_makers])


def _upper(makers: Floats) -> Floats:
    """Where each bound's box ends: coordinate j at the lowest j-th coordinate of the makers before j."""
    upper = np.full(makers.shape[:2], np.inf)
    for j in range(1, makers.shape[1]):
        upper[:, j] = makers[:, :j, j].min(axis=1)
    return upper


def _nonempty(lower: Floats, upper: Floats) -> Boxes:
    keep = (lower < upper).all(axis=1)
    return Boxes(lower[keep], upper[keep])
