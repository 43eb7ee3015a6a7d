"""Many objectives made one: the scalarizations behind ParEGO and behind hypervolume in many dimensions.

All take Y (n, m) maximised and normalised so that 1 is best and 0 the reference; weights (m,) lie on the simplex.
"""

from __future__ import annotations

import numpy as np

from objectives.shapes import Floats

__all__ = ["augmented_chebyshev", "hypervolume_scalarization", "normalise", "simplex_weights", "sphere_weights"]

#: weight of the plain sum beside the worst term (Knowles 2006): breaks ties in favour of points that are nowhere
#: wasteful
RHO = 0.05


def normalise(Y: Floats, low: Floats, high: Floats) -> Floats:
    """Y with `low` (m,) at 0 and `high` (m,) at 1; a column without range is only shifted."""
    width = high - low
    return np.asarray((Y - low) / np.where(width > 0, width, 1.0), dtype=np.float64)


def augmented_chebyshev(Y: Floats, weights: Floats) -> Floats:
    """Minus the augmented Chebyshev distance to the ideal: -max_j w_j (1 - y_j) - rho sum_j w_j (1 - y_j), (n,).

    Every Pareto optimal point maximises it for some weights, also in hollows of the front (Knowles 2006, ParEGO).

    >>> augmented_chebyshev(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.5, 0.5])).round(3).tolist()
    [-0.525, -0.275]
    """
    loss = weights * (1.0 - Y)
    return np.asarray(-loss.max(axis=1) - RHO * loss.sum(axis=1), dtype=np.float64)


def hypervolume_scalarization(Y: Floats, weights: Floats) -> Floats:
    """min_j max(y_j / w_j, 0)^m, (n,): its mean over weights from `sphere_weights`, times a constant, is hypervolume.

    Zhang & Golovin 2020, "Random Hypervolume Scalarizations".
    """
    m = len(weights)
    return np.asarray(np.maximum(Y / weights, 0.0).min(axis=1) ** m, dtype=np.float64)


def simplex_weights(count: int, m: int, rng: np.random.Generator) -> Floats:
    """Weights (count, m), uniform on the simplex: not negative, sum 1."""
    return np.asarray(rng.dirichlet(np.ones(m), count), dtype=np.float64)


def sphere_weights(count: int, m: int, rng: np.random.Generator) -> Floats:
    """Weights (count, m), uniform on the positive part of the unit sphere."""
    w = np.abs(rng.normal(size=(count, m))) + 1e-12
    return np.asarray(w / np.linalg.norm(w, axis=1, keepdims=True), dtype=np.float64)
