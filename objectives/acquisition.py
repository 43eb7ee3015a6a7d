"""What a measurement is worth before it is made: expected improvements and probabilities, all as logarithms.

Pure functions of predicted means and standard deviations; every unit is maximised. Exact expected hypervolume
improvement for independent normal objectives: Yang et al. 2019; in logarithms: Ament et al. 2023.
"""

from __future__ import annotations

import numpy as np

from objectives.boxes import Boxes
from objectives.safe_math import log_h, log_ndtr, log_sub_exp, log_sum_exp, psi
from objectives.scalarization import hypervolume_scalarization
from objectives.shapes import Floats

__all__ = ["log_ehvi", "log_ei", "log_feasibility", "log_scalarized_hvi", "upper_bound"]

#: below this the plain sum has lost its digits and the logarithmic form takes over
UNDERFLOW = 1e-150
#: numbers held at once: candidates times boxes
BLOCK = 1_000_000


def log_ei(mean: Floats, sd: Floats, best: float) -> Floats:
    """log E max(Y - best, 0) for Y ~ N(mean, sd^2), (c,); finite however hopeless the candidate.

    >>> float(log_ei(np.array([0.0]), np.array([1.0]), 0.0).round(6)[0])
    -0.918939
    """
    return np.asarray(np.log(sd) + log_h((mean - best) / sd), dtype=np.float64)


def upper_bound(mean: Floats, sd: Floats, breadth: float) -> Floats:
    """mean + breadth * sd, (c,): the optimistic guess (Srinivas et al. 2010)."""
    return np.asarray(mean + breadth * sd, dtype=np.float64)


def log_feasibility(mean: Floats, sd: Floats, limits: Floats) -> Floats:
    """log of the probability that independent N(mean, sd^2) (c, k) all reach `limits` (k,); (c,), zeros for k = 0."""
    return np.asarray(log_ndtr((mean - limits) / sd).sum(axis=1), dtype=np.float64)


def log_ehvi(mean: Floats, sd: Floats, boxes: Boxes, *, ranked: int | None = None) -> Floats:
    """log of the expected hypervolume improvement (c,) of candidates with N(mean, sd^2) (c, m), over a front's boxes.

    sum over boxes of prod_j (psi_j(lower_j) - psi_j(upper_j)), psi_j(a) = E max(Y_j - a, 0) = sd psi((mean - a) / sd):
    exact, for any m. psi is computed once for each distinct coordinate, then gathered. Candidates so bad that the sum
    underflows are computed in logarithms. With `ranked` only so many of the best must be told apart: where more than
    that did not underflow, the others count as -inf. O(c (n m + boxes m)).
    """
    step = max(1, BLOCK // len(boxes))
    most = len(mean) if ranked is None else ranked
    parts = [_log_ehvi_block(mean[i : i + step], sd[i : i + step], boxes, most) for i in range(0, len(mean), step)]
    return np.concatenate(parts) if parts else np.empty(0)


def _log_ehvi_block(mean: Floats, sd: Floats, boxes: Boxes, ranked: int) -> Floats:
    total = (_of_stairs if boxes.stairs else _of_boxes)(mean, sd, boxes).sum(axis=0)
    small = total < UNDERFLOW * sd.prod(axis=1)
    with np.errstate(divide="ignore"):
        out = np.log(np.where(small, 1.0, total))
    if len(small) - np.count_nonzero(small) > ranked:
        out[small] = -np.inf
    elif small.any():
        out[small] = _log_ehvi_slow(mean[small], sd[small], boxes)
    return out


def _of_boxes(mean: Floats, sd: Floats, boxes: Boxes) -> Floats:
    """Expected volume (boxes, c) gained in each box."""
    value = np.ones((len(boxes), len(mean)))
    for j in range(mean.shape[1]):
        edges, low, high = boxes.edges[j]
        part = np.zeros((len(edges) + 1, len(mean)))
        np.multiply(sd[:, j], psi((mean[:, j] - edges[:, None]) / sd[:, j]), out=part[:-1])
        value *= part[low] - part[high]
    return value


def _of_stairs(mean: Floats, sd: Floats, boxes: Boxes) -> Floats:
    """The same where the boxes are stairs: both objectives at once, and nothing to gather."""
    scale = np.ascontiguousarray(sd.T)[:, None, :]
    z = mean.T[:, None, :] - boxes.lower.T[:, :, None]
    z /= scale
    part = psi(z)
    part *= scale
    part[1, :-1] -= part[1, 1:]
    return np.asarray(np.multiply(part[0], part[1], out=part[0]), dtype=np.float64)


def _log_ehvi_slow(mean: Floats, sd: Floats, boxes: Boxes) -> Floats:
    total = np.zeros((len(boxes), len(mean)))
    for j in range(mean.shape[1]):
        edges, low, high = boxes.edges[j]
        part = np.log(sd[:, j]) + log_h((mean[:, j] - edges[:, None]) / sd[:, j])
        part = np.append(part, np.full((1, len(mean)), -np.inf), axis=0)
        total += log_sub_exp(part[low], part[high])
    return log_sum_exp(total, axis=0)


def log_scalarized_hvi(
    mean: Floats, sd: Floats, Y: Floats, ref_point: Floats, *, dice: Floats, weights: Floats
) -> Floats:
    """log of an estimate of the hypervolume improvement (c,) that stays affordable with many objectives.

    Hypervolume is a mean over weights (l, m) of a scalarization (Zhang & Golovin 2020); its improvement is averaged
    over the same standard normal `dice` (s, m) for every candidate. O(c s l m).
    """
    total = np.zeros(len(mean))
    front = np.maximum(Y - ref_point, 0.0)
    for w in weights:
        best = hypervolume_scalarization(front, w).max(initial=0.0)
        for z in dice:
            total += np.maximum(hypervolume_scalarization(mean + sd * z - ref_point, w) - best, 0.0)
    fallback = (mean - ref_point).min(axis=1) - 700.0 - np.abs(mean - ref_point).max()
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(total > 0, np.log(total / (len(weights) * len(dice))), fallback), dtype=np.float64)
