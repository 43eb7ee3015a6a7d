"""One Gaussian process: fitted by maximum a posteriori, conditioned in closed form, never changed once made.

Notation: `Z (n, p)` features of the configurations, `y (n,)` maximised and standardised to mean 0, sd 1;
`theta = (log w_1 .. log w_d, log scale, log noise)`, w = 1 / length scale squared. Everything outside this file is in
the metric's own maximised units. Rasmussen & Williams 2006, algorithms 2.1 and 5.1, equations 5.10 to 5.12
(leave-one-out).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize

from objectives.errors import FitError
from objectives.kernels import KERNELS, squared_distances, weight_gradient
from objectives.shapes import Floats, Ints

__all__ = ["GP", "Prior", "Sample", "cholesky", "condition", "fit_gp", "negative_log_posterior"]

#: added to every noise variance (standardised units): keeps the Cholesky factor sound without blurring the fit
NOISE_FLOOR = 1e-8
#: noise variance (standardised) above which single measurements are not taken at their word
NOISY = 3e-3
WEIGHT_BOUNDS, SCALE_BOUNDS, NOISE_BOUNDS = (-7.0, 7.0), (-6.0, 6.0), (np.log(1e-9), 1.0)
#: L-BFGS steps from the prior, and from an earlier optimum; more steps and tighter limits bought no hypervolume
COLD_STEPS, WARM_STEPS = 40, 15
#: hyperparameters are fitted to at most so many observations; the posterior uses all it is given
SEARCH_ROWS = 350
#: standard deviations below this share of a metric's size are rounding, not signal
CONSTANT = 1e-12


@dataclass(frozen=True)
class Prior:
    """What is believed of the hyperparameters before data, in standardised units.

    log length scale ~ N(`log_length`, `log_length_sd`^2); scale ~ Gamma(2, 1); noise variance ~ Gamma(1.1, rate 30).
    The same for any number of parameters: medians that grow with it (Hvarfner et al. 2024), and a deviation that all
    length scales share, were worse with 20 and 30 of them.
    """

    log_length: float = 0.0
    log_length_sd: float = 0.6

    def start(self, d: int) -> Floats:
        """Hyperparameters (d + 2,) to begin a search from: the medians, and little noise."""
        return np.concatenate([np.full(d, -2.0 * self.log_length), [0.0, np.log(1e-3)]])

    def cost(self, theta: Floats) -> tuple[float, Floats]:
        """Minus the log density of theta up to a constant, and its gradient (d + 2,)."""
        length = (-0.5 * theta[:-2] - self.log_length) / self.log_length_sd
        scale, noise = np.exp(theta[-2]), np.exp(theta[-1])
        cost = 0.5 * length @ length + scale - theta[-2] + 30.0 * noise - 0.1 * theta[-1]
        gradient = np.concatenate([-0.5 * length / self.log_length_sd, [scale - 1.0, 30.0 * noise - 0.1]])
        return float(cost), gradient


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


@dataclass(frozen=True)
class GP:
    """A posterior: hyperparameters and the observations it is conditioned on.

    mean and sd turn standardised values into the metric's maximised units. jitter: what had to be added to the
    diagonal, normally 0. cost: the optimum that the fit reached, infinity without one.
    """

    sample: Sample
    theta: Floats
    mean: float
    sd: float
    L: Floats
    alpha: Floats
    jitter: float
    cost: float
    kernel: str = "matern52"

    def __len__(self) -> int:
        return len(self.sample)

    @property
    def y(self) -> Floats:
        """Standardised values (n,)."""
        return self.sample.y

    @property
    def lengths(self) -> Floats:
        """Length scales (d,) in unit-cube coordinates: the shorter, the more a parameter matters."""
        return np.asarray(np.exp(-0.5 * self.theta[:-2]), dtype=np.float64)

    @property
    def scale(self) -> float:
        """Prior variance, standardised."""
        return float(np.exp(self.theta[-2]))

    @property
    def noisy(self) -> bool:
        """Whether measurements differ so much from the function that its posterior mean tells more of it."""
        return float(np.median(self.sample.noise(self.theta))) > NOISY

    @property
    def noise(self) -> float:
        """Learned noise variance of one measurement, in the metric's units squared."""
        return float(np.exp(self.theta[-1])) * self.sd**2

    @cached_property
    def _stretch(self) -> Floats:
        return np.asarray(np.exp(0.5 * self.theta[:-2])[self.sample.owner], dtype=np.float64)

    @cached_property
    def _stretched(self) -> Floats:
        return self.sample.Z * self._stretch

    def correlate(self, Z: Floats) -> Floats:
        """Prior covariance (c, n) between new features and the observed ones, standardised."""
        return self.scale * KERNELS[self.kernel](squared_distances(Z * self._stretch, self._stretched))[0]

    def standard(self, Z: Floats) -> tuple[Floats, Floats]:
        """Posterior mean and variance (c,) of the noise-free function in standardised units. O(c n^2)."""
        k = self.correlate(Z)
        mean = k @ self.alpha
        half = _half(self.L, k.T)
        return mean, np.maximum(self.scale - np.einsum("ij,ij->j", half, half), 1e-12 * self.scale)

    def standard_mean(self, Z: Floats) -> Floats:
        """Posterior mean (c,) alone, standardised. O(c n)."""
        return np.asarray(self.correlate(Z) @ self.alpha, dtype=np.float64)

    def predict(self, Z: Floats) -> tuple[Floats, Floats]:
        """Posterior mean and variance (c,) of the noise-free function in the metric's maximised units. O(c n^2)."""
        mean, var = self.standard(Z)
        return self.mean + self.sd * mean, self.sd**2 * var

    def standardise(self, values: Floats) -> Floats:
        """The metric's maximised units to standardised ones."""
        return (np.asarray(values, dtype=np.float64) - self.mean) / self.sd

    def unstandardise(self, values: Floats) -> Floats:
        """Standardised units to the metric's maximised ones."""
        return self.mean + self.sd * np.asarray(values, dtype=np.float64)

    def draw(self, Z: Floats, rng: np.random.Generator) -> Floats:
        """One joint draw (c,) of the noise-free function at Z, standardised. O(c n^2 + c^3)."""
        return np.asarray(self.draws(Z, 1, rng)[0], dtype=np.float64)

    def draws(self, Z: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws (count, c) of the noise-free function at Z, standardised. O(c n^2 + c^3 + count c^2)."""
        stretched = Z * self._stretch
        prior = self.scale * KERNELS[self.kernel](squared_distances(stretched, stretched))[0]
        k = self.correlate(Z)
        half = _half(self.L, k.T)
        prior[np.diag_indices(len(Z))] += 1e-9 * self.scale
        L, _ = cholesky(prior - half.T @ half)
        return np.asarray(k @ self.alpha + rng.normal(size=(count, len(Z))) @ L.T, dtype=np.float64)

    def believe(self, Z: Floats) -> GP:
        """The posterior after seeing its own mean at Z (c, p): same means everywhere, less variance near Z.

        What stands in for measurements that are under way ("kriging believer", Ginsbourger et al. 2010). O(c n^2).
        """
        return condition(self, Z, self.predict(Z)[0]) if len(Z) else self

    @cached_property
    def log_marginal_likelihood(self) -> float:
        """log p(y | Z, theta) of the standardised values."""
        n = len(self.y)
        return float(-0.5 * self.y @ self.alpha - np.log(np.diag(self.L)).sum() - 0.5 * n * np.log(2.0 * np.pi))

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Mean and variance (n,) predicted for each measured value from all the others, noise included; metric's units.

        Closed form with the hyperparameters as they are. O(n^3).
        """
        inverse = _inverse(self.L)
        var = 1.0 / np.diag(inverse)
        return self.mean + self.sd * (self.y - self.alpha * var), self.sd**2 * var


def condition(gp: GP, Z: Floats, values: Floats, *, known: Floats | None = None) -> GP:
    """`gp` after seeing more values (c,) in its maximised units, hyperparameters kept; a new GP. O(n^2 c + c^3).

    The Cholesky factor is extended, not computed again. `known` (c,): variances of the values, the learned noise is
    added without it.
    """
    c, old = len(Z), gp.sample
    fresh = Sample(
        Z,
        old.owner,
        gp.standardise(values),
        np.zeros(c) if known is None else np.asarray(known, dtype=np.float64) / gp.sd**2,
        np.ones(c) if known is None else np.zeros(c),
    )
    stretched = Z * gp._stretch
    corner = gp.scale * KERNELS[gp.kernel](squared_distances(stretched, stretched))[0]
    corner[np.diag_indices(c)] = gp.scale + fresh.noise(gp.theta) + gp.jitter
    side = _half(gp.L, gp.correlate(Z).T)
    L22, jitter = cholesky(corner - side.T @ side)
    L = np.block([[gp.L, np.zeros((len(gp), c))], [side.T, L22]])
    joined = _join(old, fresh)
    return replace(gp, sample=joined, L=L, alpha=_solve(L, joined.y), jitter=max(gp.jitter, jitter))


def _join(a: Sample, b: Sample) -> Sample:
    return Sample(
        np.vstack([a.Z, b.Z]),
        a.owner,
        np.append(a.y, b.y),
        np.append(a.known, b.known),
        np.append(a.shares, b.shares),
    )


def fit_gp(
    Z: Floats,
    owner: Ints,
    values: Floats,
    *,
    known: Floats | None = None,
    counts: Floats | None = None,
    starts: tuple[Floats, ...] = (),
    prior: Prior | None = None,
    refit: bool = True,
    kernel: str = "matern52",
) -> GP:
    """The GP whose hyperparameters maximise the posterior density, conditioned on the data.

    Z (n, p) features, values (n,) maximised units, `known` (n,) variances of the values (NaN or None: unknown),
    `counts` (n,) replicates behind each value (the learned noise is divided by them). `starts`: hyperparameters to
    begin from, the prior's medians without any; with `refit=False` the first start is taken as it is. Constant values
    give back the prior's medians. FitError without data. Ten to forty likelihoods a start, O(min(n, 350)^3) each.

    >>> Z = np.linspace(0, 1, 6)[:, None]
    >>> gp = fit_gp(Z, np.array([0]), np.sin(6 * Z[:, 0]))
    >>> float(np.abs(gp.predict(Z)[0] - np.sin(6 * Z[:, 0])).max()) < 1e-2
    True
    """
    if len(values) == 0:
        raise FitError("a Gaussian process needs at least one value")
    d = int(owner.max()) + 1
    prior = prior or Prior()
    mean, sd = _moments(values)
    sample = Sample(
        Z,
        owner,
        (values - mean) / sd,
        np.zeros(len(values)) if known is None else np.where(np.isnan(known), 0.0, known) / sd**2,
        np.ones(len(values)) if counts is None else 1.0 / np.maximum(counts, 1.0),
    )
    starts = starts or (prior.start(d),)
    theta, cost = starts[0], np.inf
    if refit and sample.y.any():
        theta, cost = _search(_thinned(sample), starts, prior, kernel)
    L, jitter = cholesky(_covariance(sample, theta, kernel)[0])
    return GP(sample, theta, mean, sd, L, _solve(L, sample.y), jitter, cost, kernel)


def _moments(values: Floats) -> tuple[float, float]:
    mean, sd = float(np.mean(values)), float(np.std(values))
    return mean, sd if sd > CONSTANT * max(abs(mean), 1e-300) else 1.0


def _thinned(sample: Sample) -> Sample:
    """At most SEARCH_ROWS observations, evenly over time: hyperparameters need no more, and a likelihood costs n^3."""
    if len(sample) <= SEARCH_ROWS:
        return sample
    rows = np.linspace(0, len(sample) - 1, SEARCH_ROWS).astype(np.intp)
    return Sample(sample.Z[rows], sample.owner, sample.y[rows], sample.known[rows], sample.shares[rows])


def _search(sample: Sample, starts: tuple[Floats, ...], prior: Prior, kernel: str) -> tuple[Floats, float]:
    """The best of the optima that the starts lead to; the prior's medians get more steps than earlier optima.

    A chain of warm starts keeps to its first explanation, mostly that ruggedness is noise: starting afresh at times
    found a better optimum on rugged metrics (ZDT3: .84 -> .93), where five random starts did not.
    """
    cold = prior.start(len(starts[0]) - 2)
    found = [
        _descend(sample, start, prior, kernel, steps=COLD_STEPS if np.array_equal(start, cold) else WARM_STEPS)
        for start in starts
    ]
    return min(found, key=lambda pair: pair[1])


def _inside(theta: Floats) -> Floats:
    low, high = np.array(_bounds(len(theta))).T
    return np.clip(theta, low, high)


def _bounds(count: int) -> list[tuple[float, float]]:
    return [WEIGHT_BOUNDS] * (count - 2) + [SCALE_BOUNDS, NOISE_BOUNDS]


def _descend(sample: Sample, start: Floats, prior: Prior, kernel: str, *, steps: int) -> tuple[Floats, float]:
    """The optimum that L-BFGS reaches from `start` with the analytic gradient, inside the bounds."""
    result = minimize(
        negative_log_posterior,
        _inside(start),
        args=(sample, prior, kernel),
        jac=True,
        method="L-BFGS-B",
        bounds=_bounds(len(start)),
        options={"maxiter": steps, "ftol": 1e-4, "gtol": 1e-2},
    )
    return np.asarray(result.x, dtype=np.float64), float(result.fun)


def negative_log_posterior(
    theta: Floats, sample: Sample, prior: Prior, kernel: str = "matern52"
) -> tuple[float, Floats]:
    """Minus log p(y | theta) - log p(theta) up to a constant, and its gradient (d + 2,). O(n^3 + n^2 p)."""
    y, scale = sample.y, np.exp(theta[-2])
    K, value, slope = _covariance(sample, theta, kernel)
    L, _ = cholesky(K)
    alpha = _solve(L, y)
    A = _inverse(L)
    A -= np.outer(alpha, alpha)
    gradient = np.empty_like(theta)
    gradient[-1] = 0.5 * np.exp(theta[-1]) * (A.diagonal() @ sample.shares)
    gradient[-2] = 0.5 * scale * np.vdot(A, value)
    gradient[:-2] = -0.25 * scale * weight_gradient(A * slope, sample.Z, np.exp(theta[:-2]), sample.owner)
    prior_cost, prior_gradient = prior.cost(theta)
    cost = 0.5 * y @ alpha + np.log(L.diagonal()).sum() + 0.5 * len(y) * np.log(2.0 * np.pi)
    return float(cost + prior_cost), gradient + prior_gradient


def _covariance(sample: Sample, theta: Floats, kernel: str) -> tuple[Floats, Floats, Floats]:
    """Covariance of the values (n, n) with noise, the correlations in it, and their slopes by squared distance."""
    stretched = sample.Z * np.exp(0.5 * theta[:-2])[sample.owner]
    value, slope = KERNELS[kernel](squared_distances(stretched, stretched))
    np.fill_diagonal(value, 1.0)
    K = np.exp(theta[-2]) * value
    K[np.diag_indices(len(sample))] += sample.noise(theta)
    return K, value, slope


def cholesky(K: Floats) -> tuple[Floats, float]:
    """Lower factor of K and the jitter that had to be added to its diagonal: 0, or the least of 1e-10, 1e-9 .. 1e-2.

    FitError when even that does not help, as for NaN.
    """
    for jitter in (0.0, *(10.0**e for e in range(-10, -1))):
        L, info = lapack.dpotrf(K + jitter * np.eye(len(K)) if jitter else K, lower=1, clean=1)
        if info == 0 and np.isfinite(L[-1, -1]):
            return L, jitter
    raise FitError("a covariance matrix is not positive definite, even with jitter 0.01", n=len(K))


def _solve(L: Floats, y: Floats) -> Floats:
    return np.asarray(lapack.dpotrs(L, y, lower=1)[0], dtype=np.float64)


def _half(L: Floats, B: Floats) -> Floats:
    """The solution of L X = B."""
    return np.asarray(lapack.dtrtrs(L, B, lower=1)[0], dtype=np.float64)


def _inverse(L: Floats) -> Floats:
    """The inverse of L L^T, both triangles."""
    half: Floats = lapack.dpotri(L, lower=1)[0]
    whole = half + half.T
    whole[np.diag_indices(len(L))] *= 0.5
    return whole
