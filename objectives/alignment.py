"""What a cheap task measured, put on the scale of the real one, so that one model can learn from both.

Autoregression between levels of fidelity (Kennedy & O'Hagan 2000): real = offset + slope * cheap + something smooth.
The line is found here; the rest is left to the model, to which the cost is one more coordinate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from objectives.features import FeatureMap
from objectives.gp import fit_gp
from objectives.shapes import Floats, Ints

__all__ = ["align_columns", "aligned"]

#: the stand-in model of a cheap task sees at most so many of its rows, evenly over time
ROWS = 150
#: real measurements from which on a slope is asked of them, not only an offset
SLOPE_FROM = 3
#: how many measurements' worth of belief that the slope is the ratio of spreads 1
CAUTION = 1.0


def aligned(Z: Floats, owner: Ints, values: Floats, costs: Floats) -> tuple[Floats, Floats]:
    """Values (n,) of one metric as the real task would have given them, and the slopes (n,) they were stretched by.

    Z (n, p) features without the column of the task. Each cheap task has a model of its own; the line through its
    predictions at the really measured configurations, against what was measured there, is applied to its values.
    Nothing changes while nothing real is known. No hyperparameters are searched for it: O(ROWS^3) a task.

    >>> x = np.array([0, 2, 4, 6, 8, 10, 3, 5, 7, 9]) / 10
    >>> costs = np.repeat([0.1, 1.0], [6, 4])
    >>> measured = np.where(costs < 1, np.sin(3 * x), 5 + 2 * np.sin(3 * x))
    >>> found, _ = aligned(x[:, None], np.array([0]), measured, costs)
    >>> bool(np.abs(found - 5 - 2 * np.sin(3 * x)).max() < 0.3), bool((found[6:] == measured[6:]).all())
    (True, True)
    """
    found, slopes = np.array(values, dtype=np.float64), np.ones(len(values))
    real = costs == 1.0
    if not real.any():
        return found, slopes
    for cost in np.unique(costs[~real]):
        rows = costs == cost
        slope, offset = _line(_foretold(Z, owner, values, np.flatnonzero(rows), Z[real]), values[real])
        found[rows], slopes[rows] = offset + slope * values[rows], slope
    return found, slopes


def align_columns(
    features: FeatureMap, X: Floats, Y: Floats, costs: Floats, wanted: Sequence[bool]
) -> tuple[Floats, Floats]:
    """`aligned` for each wanted column of Y (n, k), NaN left out; the values and the slopes, each (n, k)."""
    found, slopes = Y.copy(), np.ones(Y.shape)
    if (costs == 1.0).all():
        return found, slopes
    Z = features(X)
    for j in np.flatnonzero(wanted).tolist():
        rows = ~np.isnan(Y[:, j])
        found[rows, j], slopes[rows, j] = aligned(Z[rows], features.owner, Y[rows, j], costs[rows])
    return found, slopes


def _foretold(Z: Floats, owner: Ints, values: Floats, rows: Ints, where: Floats) -> Floats:
    if len(rows) > ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, ROWS).astype(np.intp)]
    return fit_gp(Z[rows], owner, values[rows], refit=False).predict(where)[0]


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and offset of y over x (k,): least squares with a little belief in slope 1; only an offset for few."""
    slope = 1.0
    if len(x) >= SLOPE_FROM:
        dx, dy = x - x.mean(), y - y.mean()
        weight = CAUTION * float(np.var(x))
        total = float(dx @ dx) + weight
        slope = (float(dx @ dy) + weight) / total if total > 0 else 1.0
    return slope, float(np.mean(y - slope * x))
