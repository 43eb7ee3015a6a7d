"""What hyperparameters of a Gaussian process are worth: their posterior density, its gradient, and the search for them.

Notation: `theta = (log w_1 .. log w_d, log scale, log noise)`, w = 1 / length scale squared; `y (n,)` standardised.
A covariance is symmetric, so everything here is computed for the n (n - 1) / 2 pairs below its diagonal only, from
squared differences that are prepared once for a whole search. Rasmussen & Williams 2006, equation 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy.linalg import blas, lapack

from objectives.descent import descend
from objectives.kernels import KERNELS, apart
from objectives.shapes import Floats, Ints
from objectives.triangular import JITTERS, unusable

__all__ = ["NOISE_FLOOR", "Likelihood", "Optimum", "Prior", "Sample", "search", "thinned"]

#: added to every noise variance (standardised units): keeps the Cholesky factor sound without blurring the fit
NOISE_FLOOR = 1e-8
WEIGHT_BOUNDS, SCALE_BOUNDS, NOISE_BOUNDS = (-7.0, 7.0), (-6.0, 6.0), (np.log(1e-9), 1.0)
#: steps from the prior, and from an earlier optimum; more steps and tighter limits bought no hypervolume
COLD_STEPS, WARM_STEPS = 40, 15
#: added to the log length scales that the additive kernel's search begins from
WAVES = -1.5
#: hyperparameters are fitted to at most so many observations; the posterior uses all it is given
SEARCH_ROWS = 350
LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class Prior:
    """What is believed of the hyperparameters before data, in standardised units.

    log length scale ~ N(`log_length`, `log_length_sd`^2); scale ~ Gamma(2, 1); noise variance ~ Gamma(1.1, rate 30).
    The same for any number of parameters: medians that grow with it (Hvarfner et al. 2024), and a deviation that all
    length scales share, were worse with 20 and 30 of them.
    """

    log_length: float = 0.0
    log_length_sd: float = 0.6

    def start(self, d: int, kernel: str = "matern52") -> Floats:
        """Hyperparameters (d + 2,) to begin a search from: the medians, and little noise.

        For the additive kernel short lengths: from there a search finds waves, and long ones too.
        """
        log_length = self.log_length + (WAVES if kernel == "additive" else 0.0)
        return np.concatenate([np.full(d, -2.0 * log_length), [0.0, np.log(1e-3)]])

    def cost(self, theta: Floats) -> tuple[float, Floats]:
        """Minus the log density of theta up to a constant, and its gradient (d + 2,)."""
        gradient = np.empty_like(theta)
        length = (-0.5 * theta[:-2] - self.log_length) / self.log_length_sd
        scale, noise = np.exp(theta[-2:]).tolist()
        gradient[:-2] = length * (-0.5 / self.log_length_sd)
        gradient[-2], gradient[-1] = scale - 1.0, 30.0 * noise - 0.1
        cost = 0.5 * float(length @ length) + scale - float(theta[-2]) + 30.0 * noise - 0.1 * float(theta[-1])
        return cost, gradient


@dataclass(frozen=True)
class Sample:
    """Observations as a GP sees them: features Z (n, p), their owners (p,), standardised values y (n,).

    known (n,): known variance of each value; shares (n,): the part of the learned noise that a value carries (one over
    the number of replicates). Both standardised.
    """

    Z: Floats
    owner: Ints
    y: Floats
    known: Floats
    shares: Floats

    def __len__(self) -> int:
        return len(self.y)

    def noise(self, theta: Floats) -> Floats:
        """Noise variance (n,) of each value, standardised."""
        return np.asarray(self.known + np.exp(theta[-1]) * self.shares + NOISE_FLOOR, dtype=np.float64)


def thinned(sample: Sample) -> Sample:
    """At most SEARCH_ROWS observations, evenly over time: hyperparameters need no more, and a likelihood costs n^3."""
    if len(sample) <= SEARCH_ROWS:
        return sample
    rows = np.linspace(0, len(sample) - 1, SEARCH_ROWS).astype(np.intp)
    return Sample(sample.Z[rows], sample.owner, sample.y[rows], sample.known[rows], sample.shares[rows])


@dataclass(frozen=True)
class Likelihood:
    """The posterior density of hyperparameters given a sample: called with theta, as often as a search likes.

    Kernels share what is prepared here. O(n^2 d) to prepare, O(n^3 + n^2 d) a call.
    """

    sample: Sample
    prior: Prior

    @cached_property
    def _pairs(self) -> tuple[Ints, Floats]:
        """Where in a Fortran-ordered matrix the pairs lie, and their squared differences (d, pairs)."""
        n = len(self.sample)
        columns, rows = np.triu_indices(n, 1)
        return columns * n + rows, apart(self.sample.Z, self.sample.owner, rows, columns)

    def __call__(self, theta: Floats, kernel: str = "matern52") -> tuple[float, Floats]:
        """Minus log p(y | theta) - log p(theta) up to a constant, and its gradient (d + 2,).

        FitError where no jitter helps.
        """
        sample, scale, w = self.sample, float(np.exp(theta[-2])), np.exp(theta[:-2])
        n, (places, differences) = len(sample), self._pairs
        value, slopes = KERNELS[kernel].of_pairs(w, differences)
        L = self._factor(scale, value, sample.noise(theta))
        alpha = lapack.dpotrs(L, sample.y, lower=1)[0]
        cost = 0.5 * float(sample.y @ alpha) + float(np.log(L.diagonal()).sum()) + 0.5 * n * LOG_2PI
        inverse = lapack.dpotri(L, lower=1, overwrite_c=1)[0]
        inverse = blas.dsyr(-1.0, alpha, lower=1, a=inverse, overwrite_a=1)
        diagonal = inverse.diagonal()
        A = inverse.T.reshape(-1).take(places)
        gradient = np.empty_like(theta)
        gradient[-1] = 0.5 * float(np.exp(theta[-1])) * (diagonal @ sample.shares)
        gradient[-2] = scale * (A @ value + 0.5 * diagonal.sum())
        gradient[:-2] = scale * w * slopes(A)
        prior_cost, prior_gradient = self.prior.cost(theta)
        gradient += prior_gradient
        return cost + prior_cost, gradient

    def _factor(self, scale: float, value: Floats, noise: Floats) -> Floats:
        """Lower Cholesky factor of the covariance; what is above its diagonal is zero."""
        n, places = len(noise), self._pairs[0]
        for jitter in JITTERS:
            K = np.zeros(n * n)
            K[places] = scale * value
            K[:: n + 1] = scale + noise + jitter
            L, info = lapack.dpotrf(K.reshape(n, n).T, lower=1, clean=0, overwrite_a=1)
            if info == 0 and np.isfinite(L[-1, -1]):
                return np.asarray(L, dtype=np.float64)
        raise unusable(n)


@dataclass(frozen=True)
class Optimum:
    """Where a search ended: hyperparameters, minus their log posterior density, and the kernel they belong to."""

    theta: Floats
    cost: float
    kernel: str


def search(likelihood: Likelihood, starts: tuple[Floats, ...], kernel: str = "matern52") -> Optimum:
    """The best of the optima that the starts lead to; the prior's medians get more steps than earlier optima.

    A chain of warm starts keeps to its first explanation, mostly that ruggedness is noise: starting afresh at times
    found a better optimum on rugged metrics (ZDT3: .84 -> .93), where five random starts did not.
    """
    fresh = [likelihood.prior.start(len(starts[0]) - 2, name) for name in (kernel, "matern52")]
    found = []
    for start in starts:
        steps = COLD_STEPS if any(np.array_equal(start, one) for one in fresh) else WARM_STEPS
        found.append(_descend(likelihood, start, kernel, steps))
    return min(found, key=lambda optimum: optimum.cost)


def _descend(likelihood: Likelihood, start: Floats, kernel: str, steps: int) -> Optimum:
    """The optimum that L-BFGS-B reaches from `start`, inside the bounds.

    A plain BFGS with backtracking took less time and more often ended where ruggedness is noise (ZDT3 .91 -> .76).
    """
    low, high = np.array([WEIGHT_BOUNDS] * (len(start) - 2) + [SCALE_BOUNDS, NOISE_BOUNDS]).T
    theta, cost = descend(partial(likelihood, kernel=kernel), start, low, high, steps=steps, ftol=1e-4, gtol=1e-2)
    return Optimum(theta, cost, kernel)
