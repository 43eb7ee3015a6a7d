"""Functions that keep their digits where the obvious formula loses them: logarithms of small probabilities and moments.

After Ament et al. 2023, "Unexpected Improvements to Expected Improvement": an acquisition that underflows to zero
cannot be ranked, its logarithm can.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from objectives.shapes import Floats

__all__ = ["log_h", "log_ndtr", "log_sub_exp", "log_sum_exp", "psi"]

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
SQRT_HALF = math.sqrt(0.5)


def _phi(z: Floats) -> Floats:
    out = np.asarray(-0.5 * z * z, dtype=np.float64)
    np.exp(out, out=out)
    out /= math.sqrt(2.0 * math.pi)
    return out


def psi(z: Floats) -> Floats:
    """E max(Z + z, 0) = phi(z) + z Phi(z) for standard normal Z: the improvement over -z in standard deviations.

    Never negative. The two terms cancel, but both are exact in the tail, so the error is of order z^2 rounding; below
    z = -38 the value is smaller than any number.
    """
    z = np.asarray(z, dtype=np.float64)
    rest = np.asarray(ndtr(z), dtype=np.float64)
    rest *= z
    rest += _phi(z)
    return np.maximum(rest, 0.0, out=rest)


def log_h(z: Floats) -> Floats:
    """log(phi(z) + z Phi(z)), exact to rounding for any z down to -1e150 (Ament et al. 2023, equation 9).

    >>> float(log_h(np.array(-40.0)).round(6))
    -808.298568
    """
    z = np.asarray(z, dtype=np.float64)
    near = np.maximum(z, -1.0)
    mid = np.clip(z, -1e4, -1.0)
    far = np.minimum(z, -1e4)
    out = np.log(_phi(near) + near * ndtr(near))
    tail = np.log1p(-math.sqrt(math.pi / 2.0) * erfcx(-mid * SQRT_HALF) * -mid)
    out = np.where(z < -1.0, -0.5 * mid * mid - LOG_SQRT_2PI + tail, out)
    return np.where(z < -1e4, -0.5 * far * far - LOG_SQRT_2PI - 2.0 * np.log(-far), out)


def log_sub_exp(a: Floats, b: Floats) -> Floats:
    """log(exp(a) - exp(b)) for a >= b; -inf where they are equal."""
    gap = np.minimum(b - a, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        small = np.log(-np.expm1(gap))
        large = np.log1p(-np.exp(gap))
    return np.where(np.isneginf(a), -np.inf, a + np.where(gap > -0.6931, small, large))


def log_sum_exp(a: Floats, axis: int = -1) -> Floats:
    """log sum exp(a) along an axis; -inf where all are."""
    top = np.max(a, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total: Floats = np.squeeze(top, axis) + np.log(np.sum(np.exp(a - top), axis=axis))
    return total
