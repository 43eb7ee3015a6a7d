"""L-BFGS-B for a function that is cheaper than the wrapper around it.

A likelihood of 60 observations takes 0.1 ms, and `scipy.optimize.minimize` half of that again for each, to check, copy
and count. Here the same compiled routine (Zhu, Byrd, Lu, Nocedal 1997) is driven without that. The routine is no public
part of scipy, so only versions are driven directly whose answers were compared with the wrapper's, bit for bit
(tests/objectives/test_descent.py); any other goes through the wrapper.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy
from scipy.optimize import minimize

from objectives.shapes import Floats

__all__ = ["Value", "descend"]

#: a point (d,) to the value there and its gradient (d,)
Value = Callable[[Floats], tuple[float, Floats]]

#: versions whose compiled routine is called as below
KNOWN = ("1.17",)
#: corrections that approximate the curvature, and steps of one line search: scipy's own defaults
CORRECTIONS, LINE_STEPS = 10, 20
#: what the routine says, and is told: a value is wanted, a step was made, enough
WANTS_VALUE, MADE_STEP, STOP, ENOUGH_STEPS = 3, 1, 5, 504


def descend(
    function: Value, start: Floats, low: Floats, high: Floats, *, steps: int, ftol: float, gtol: float
) -> tuple[Floats, float]:
    """The point (d,) that at most `steps` steps from `start` lead to inside finite bounds, and the value there.

    `ftol`: relative gain of a step, and `gtol`: slope, at which it ends.

    >>> x, value = descend(lambda x: (float(x @ x), 2.0 * x), np.array([2.0, 3.0]), np.array([1.0, -5.0]),
    ...     np.array([9.0, 5.0]), steps=20, ftol=1e-9, gtol=1e-6)
    >>> x.round(6).tolist(), round(value, 6)
    ([1.0, 0.0], 1.0)
    """
    start = np.clip(start, low, high)
    if not scipy.__version__.startswith(tuple(f"{version}." for version in KNOWN)):
        return _wrapped(function, start, low, high, steps=steps, ftol=ftol, gtol=gtol)
    return _direct(function, start, low, high, steps=steps, ftol=ftol, gtol=gtol)


def _wrapped(
    function: Value, start: Floats, low: Floats, high: Floats, *, steps: int, ftol: float, gtol: float
) -> tuple[Floats, float]:
    options = {"maxiter": steps, "ftol": ftol, "gtol": gtol}
    bounds = list(zip(low.tolist(), high.tolist(), strict=True))
    result = minimize(function, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(result.x, dtype=np.float64), float(result.fun)


def _direct(
    function: Value, start: Floats, low: Floats, high: Floats, *, steps: int, ftol: float, gtol: float
) -> tuple[Floats, float]:
    from scipy.optimize._lbfgsb import setulb  # noqa: PLC0415 - only there in the versions that are KNOWN

    m, n = CORRECTIONS, len(start)
    x, low, high = start.copy(), np.ascontiguousarray(low, np.float64), np.ascontiguousarray(high, np.float64)
    f: float | Floats = np.array(0.0)
    g, both = np.zeros(n), np.full(n, 2, dtype=np.int32)
    floats, ints = np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m), np.zeros(3 * n, dtype=np.int32)
    task, lines, flags, counts = (np.zeros(size, dtype=np.int32) for size in (2, 2, 4, 44))
    rest, factor = np.zeros(29), ftol / np.finfo(np.float64).eps
    made = 0
    while True:
        setulb(m, x, low, high, both, f, g, factor, gtol, floats, ints, task, flags, counts, rest, LINE_STEPS, lines)
        if task[0] == WANTS_VALUE:
            f, g = function(x.copy())
        elif task[0] == MADE_STEP:
            made += 1
            if made >= steps:
                task[0], task[1] = STOP, ENOUGH_STEPS
        else:
            return x, float(f)
