"""Replicates of one configuration, pooled into running sums: what the front and the models see of them."""

from __future__ import annotations

import math
from typing import Any, Final

__all__ = ["LARGEST", "Sums", "pool"]

Sums = dict[str, Any]
#: What is larger counts as this large: squares and products of larger numbers overflow.
LARGEST: Final = 1e100
#: A standard deviation below this is rounding, not knowledge: its weight would overflow.
_SMALLEST_STDDEV: Final = 1e-100


def pool(before: dict[str, Any] | None, value: float, stddev: float | None) -> dict[str, Any]:
    """Add one measurement to the running sums of a metric at a configuration.

    While every measurement came with a standard deviation, the pooled mean weighs each by 1 / stddev^2 and its
    standard deviation is 1 / sqrt(sum of weights), which is exact for normal noise. As soon as one came without, the
    mean is the plain one (Welford's recurrence) and its standard deviation the sample's over sqrt(n), None for n = 1.

    >>> once = pool(None, 1.0, 0.1)
    >>> twice = pool(once, 3.0, 0.1)
    >>> twice["n"], twice["mean"], round(twice["stddev"], 4), twice["known"]
    (2, 2.0, 0.0707, True)
    >>> pool(pool(None, 1.0, None), 3.0, None)["stddev"]
    1.0
    """
    old = before or {"n": 0, "plain": 0.0, "m2": 0.0, "weight": 0.0, "weighted": 0.0, "known": True}
    n = old["n"] + 1
    value = max(-LARGEST, min(LARGEST, value))
    stddev = None if stddev is None else min(LARGEST, stddev)
    delta = value - old["plain"]
    plain = old["plain"] + delta / n
    m2 = old["m2"] + delta * (value - plain)
    known = bool(old["known"] and stddev is not None and stddev >= _SMALLEST_STDDEV)
    weight, weighted = old["weight"], old["weighted"]
    if known and stddev:
        step = 1.0 / stddev**2
        weight += step
        weighted += (value - weighted) * (step / weight)
    return {
        "n": n,
        "plain": plain,
        "m2": m2,
        "weight": weight,
        "weighted": weighted,
        "known": known,
        "mean": weighted if known else plain,
        "stddev": _stddev(known, weight, m2, n),
    }


def _stddev(known: bool, weight: float, m2: float, n: int) -> float | None:
    if known:
        return 1.0 / math.sqrt(weight)
    return math.sqrt(m2 / (n - 1) / n) if n > 1 else None
