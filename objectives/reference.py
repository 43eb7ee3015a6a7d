"""The reference point the search aims above, where no threshold gives it. Not the one fronts are reported against.

Too close to the front and the search never leaves it; too far and it buys slivers at the corners. The rules here
filter the front by alpha-dominance (Ikeda, Kita, Kobayashi 2001) at a fixed scale, take its worst values, and never
go above the median of the initial design. Ishibuchi et al. 2018 on why the point matters. All arrays are maximised
and standardised.
"""

from __future__ import annotations

import numpy as np

from objectives.pareto import nondominated
from objectives.quantiles import quantiles
from objectives.shapes import Bools, Floats

__all__ = ["design_scale", "tight_point", "trade_off_filter", "wide_point"]

#: a tenth of the way from ideal to worst is added below the worst
MARGIN = 0.1
#: how much of every other objective may buy one unit of this one, for two objectives and for more
ALPHA_TWO, ALPHA_MORE = 0.05, 0.2
#: with three and more objectives the worst tenth of the filtered front is not trusted
QUANTILE = 0.1


def design_scale(Y: Floats) -> Floats:
    """The 10-90 % range (m,) of the initial design's values (n, m): a yardstick that does not move with the front."""
    low, high = quantiles(Y, (0.1, 0.9))
    if (high > low).all():
        return np.asarray(high - low, dtype=np.float64)
    spread = Y.std(axis=0)
    width = np.where(high > low, high - low, spread)
    return np.asarray(np.where(width > 0, width, 1.0), dtype=np.float64)


def trade_off_filter(Y: Floats, scale: Floats) -> Bools:
    """Mask (n,) of rows that stay non-dominated when each objective counts a little (alpha) towards every other.

    Drops points that give up much of one objective for next to nothing of another.
    """
    m = Y.shape[1]
    alpha = ALPHA_TWO if m == 2 else ALPHA_MORE
    T = Y / scale
    return nondominated(T + alpha * (T.sum(axis=1, keepdims=True) - T))


def tight_point(Y: Floats, design: Floats) -> Floats:
    """The point (m,) just below the filtered front of Y (n, m), or below the design's median if that is lower."""
    kept = Y[trade_off_filter(Y, design_scale(design))]
    worst = kept.min(axis=0) if Y.shape[1] == 2 else quantiles(kept, (QUANTILE,))[0]
    worst = np.minimum(worst, np.median(design, axis=0))
    ideal = np.maximum(kept.max(axis=0), worst)
    return np.asarray(worst - MARGIN * (ideal - worst), dtype=np.float64)


def wide_point(front: Floats) -> Floats:
    """The point (m,) just below the whole observed front (p, m): room for tails that `tight_point` cuts off.

    Better than the worst of everything seen, with which the search bought corners (four objectives: .61 against .52;
    two with noise: .91 against .83).
    """
    worst = front.min(axis=0)
    return np.asarray(worst - MARGIN * (front.max(axis=0) - worst), dtype=np.float64)
