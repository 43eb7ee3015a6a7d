"""One Gaussian process: fitted by maximum a posteriori, conditioned in closed form, never changed once made.

Notation: `Z (n, p)` features of the configurations, `y (n,)` maximised and standardised to mean 0, sd 1;
`theta` hyperparameters (`objectives.likelihood`). Everything outside this file is in the metric's own maximised units.
Rasmussen & Williams 2006, algorithm 2.1, equations 5.10 to 5.12 (leave-one-out).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from objectives.errors import FitError
from objectives.kernels import KERNELS, Towards
from objectives.likelihood import NOISE_FLOOR, Likelihood, Optimum, Prior, Sample, search, thinned
from objectives.shapes import Floats, Ints
from objectives.triangular import cholesky, extend, solve, symmetric_inverse, whiten, whitener
from objectives.warping import LINEAR, Warp

__all__ = ["GP", "condition", "fit_gp"]

#: noise variance (standardised) above which single measurements are not taken at their word
NOISY = 3e-3
#: nodes and weights of the quadrature that turns warped predictions back, and how many standard deviations beyond what
#: was seen it may go
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
BEYOND = 1.0
#: standard deviations below this share of a metric's size are rounding, not signal
CONSTANT = 1e-12
#: a kernel whose log posterior density is so far below another's has clearly lost
CLEARLY = 4.0


@dataclass(frozen=True)
class Beliefs:
    """Points (q, p), stretched, at which a GP is taken to have seen its own mean.

    side (q, n): their covariance with the observed ones, whitened; L (q, q): factor of what is left of their own,
    noise included; W: its inverse.
    """

    stretched: Floats
    side: Floats
    L: Floats
    W: Floats


@dataclass(frozen=True)
class GP:
    """A posterior: hyperparameters and the observations it is conditioned on.

    mean and sd turn standardised values into warped ones, and `warp` turns those into the metric's maximised units.
    jitter: what had to be added to the diagonal, normally 0. cost: the optimum that the fit reached, infinity without
    one. W: the inverse of L where it came cheaply, None to have it computed when something is first predicted. beliefs:
    they take away doubt and change no mean. beaten: the kernels that were tried by the fit and are far behind this one.
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
    W: Floats | None = None
    beliefs: Beliefs | None = None
    warp: Warp = LINEAR
    beaten: tuple[str, ...] = ()

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

    @cached_property
    def _whitener(self) -> Floats:
        return whitener(self.L) if self.W is None else self.W

    def correlate(self, Z: Floats) -> Floats:
        """Prior covariance (c, n) between new features and the observed ones, standardised."""
        return self._correlate(Z * self._stretch)

    def _correlate(self, stretched: Floats) -> Floats:
        k = self._towards(stretched)
        k *= self.scale
        return k

    @cached_property
    def _towards(self) -> Towards:
        return KERNELS[self.kernel].towards(self._stretched, self.sample.owner)

    def _covariance(self, A: Floats, B: Floats) -> Floats:
        k = KERNELS[self.kernel].between(A, B, self.sample.owner)
        k *= self.scale
        return k

    def standard(self, Z: Floats) -> tuple[Floats, Floats]:
        """Posterior mean and variance (c,) of the noise-free function in standardised units. O(c n^2)."""
        k = self.correlate(Z)
        mean = k @ self.alpha
        half = whiten(self._whitener, k)
        var = self.scale - np.einsum("ij,ij->i", half, half)
        if self.beliefs is not None:
            rest = self._believed(Z * self._stretch, half, self.beliefs)
            var -= np.einsum("ij,ij->i", rest, rest)
        return mean, np.maximum(var, 1e-12 * self.scale, out=var)

    def _believed(self, stretched: Floats, half: Floats, beliefs: Beliefs) -> Floats:
        """Covariance (c, q) with what is believed, whitened, of points whose whitened covariance is `half` (c, n)."""
        return whiten(beliefs.W, self._covariance(stretched, beliefs.stretched) - half @ beliefs.side.T)

    def standard_mean(self, Z: Floats) -> Floats:
        """Posterior mean (c,) alone, standardised. O(c n)."""
        return np.asarray(self.correlate(Z) @ self.alpha, dtype=np.float64)

    def predict(self, Z: Floats) -> tuple[Floats, Floats]:
        """Posterior mean and variance (c,) of the noise-free function in the metric's maximised units. O(c n^2)."""
        mean, var = self.standard(Z)
        if self.warp.linear:
            return self.mean + self.sd * mean, self.sd**2 * var
        likely = mean + np.sqrt(var) * NODES[:, None]
        values = self.unstandardise(np.clip(likely, self.y.min() - BEYOND, self.y.max() + BEYOND))
        weights = WEIGHTS / WEIGHTS.sum()
        mean = weights @ values
        return mean, np.maximum(weights @ (values - mean) ** 2, 1e-300)

    def standardise(self, values: Floats) -> Floats:
        """The metric's maximised units to standardised ones."""
        return (self.warp.forward(values) - self.mean) / self.sd

    def unstandardise(self, values: Floats) -> Floats:
        """Standardised units to the metric's maximised ones."""
        return self.warp.backward(self.mean + self.sd * np.asarray(values, dtype=np.float64))

    def draw(self, Z: Floats, rng: np.random.Generator) -> Floats:
        """One joint draw (c,) of the noise-free function at Z, standardised. O(c n^2 + c^3)."""
        return np.asarray(self.draws(Z, 1, rng)[0], dtype=np.float64)

    def draws(self, Z: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Joint draws (count, c) of the noise-free function at Z, standardised. O(c n^2 + c^3 + count c^2)."""
        stretched = Z * self._stretch
        prior = self._covariance(stretched, stretched)
        k = self.correlate(Z)
        mean = k @ self.alpha
        half = whiten(self._whitener, k)
        prior[np.diag_indices(len(Z))] += 1e-9 * self.scale
        prior -= half @ half.T
        if self.beliefs is not None:
            rest = self._believed(stretched, half, self.beliefs)
            prior -= rest @ rest.T
        L, _ = cholesky(prior)
        return np.asarray(mean + rng.normal(size=(count, len(Z))) @ L.T, dtype=np.float64)

    def believe(self, Z: Floats) -> GP:
        """The posterior after seeing its own mean at Z (c, p): same means everywhere, less variance near Z.

        What stands in for measurements that are under way ("kriging believer", Ginsbourger et al. 2010). Nothing of
        size n^2 is copied. O(c n^2).
        """
        return self._believing(Z * self._stretch) if len(Z) else self

    def _believing(self, stretched: Floats) -> GP:
        side = whiten(self._whitener, self._correlate(stretched))
        corner = self._covariance(stretched, stretched)
        corner[np.diag_indices(len(stretched))] += np.exp(self.theta[-1]) + NOISE_FLOOR + self.jitter
        corner -= side @ side.T
        old = self.beliefs
        if old is None:
            L = cholesky(corner)[0]
            return replace(self, W=self._whitener, beliefs=Beliefs(stretched, side, L, whitener(L)))
        across = self._covariance(stretched, old.stretched) - side @ old.side.T
        L, W, _ = extend(old.L, old.W, across, corner)
        both = Beliefs(np.vstack([old.stretched, stretched]), np.vstack([old.side, side]), L, W)
        return replace(self, W=self._whitener, beliefs=both)

    @cached_property
    def log_marginal_likelihood(self) -> float:
        """log p(y | Z, theta) of the standardised values."""
        n = len(self.y)
        return float(-0.5 * self.y @ self.alpha - np.log(np.diag(self.L)).sum() - 0.5 * n * np.log(2.0 * np.pi))

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Mean and variance (n,) predicted for each measured value from all the others, noise included; standardised.

        Closed form with the hyperparameters as they are. O(n^3).
        """
        inverse = symmetric_inverse(self.L)
        var = 1.0 / np.diag(inverse)
        return self.y - self.alpha * var, var


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
        np.zeros(c) if known is None else np.asarray(known, dtype=np.float64) * (gp.warp.slope(values) / gp.sd) ** 2,
        np.ones(c) if known is None else np.zeros(c),
    )
    L, W, jitter = _extended(gp, fresh)
    joined = Sample(
        np.vstack([old.Z, Z]),
        old.owner,
        np.append(old.y, fresh.y),
        np.append(old.known, fresh.known),
        np.append(old.shares, fresh.shares),
    )
    longer = replace(gp, sample=joined, L=L, W=W, alpha=solve(L, joined.y), jitter=max(gp.jitter, jitter), beliefs=None)
    return longer if gp.beliefs is None else longer._believing(gp.beliefs.stretched)


def _extended(gp: GP, fresh: Sample) -> tuple[Floats, Floats, float]:
    """The Cholesky factor of `gp` with more rows, its inverse, and the jitter it needed."""
    stretched = fresh.Z * gp._stretch
    corner = gp._covariance(stretched, stretched) if len(fresh) > 1 else np.empty((1, 1))
    corner[np.diag_indices(len(fresh))] = gp.scale + fresh.noise(gp.theta) + gp.jitter
    return extend(gp.L, gp._whitener, gp.correlate(fresh.Z), corner)


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
    kernels: tuple[str, ...] = ("matern52",),
    last: GP | None = None,
    warp: Warp = LINEAR,
) -> GP:
    """The GP whose hyperparameters maximise the posterior density, conditioned on the data.

    Z (n, p) features, values (n,) maximised units, `known` (n,) variances of the values (NaN or None: unknown),
    `counts` (n,) replicates behind each value (the learned noise is divided by them). `starts`: hyperparameters to
    begin from, the prior's medians without any; with `refit=False` the first start is taken as it is. Constant values
    give back the prior's medians. FitError without data. Ten to forty likelihoods a start, O(min(n, 350)^3) each.
    `kernels`: the one to begin with, then its rivals. `last`: a GP of the first of these observations; where it has
    the same hyperparameters its Cholesky factor is extended, O(n^2) for each new one, instead of computed again.
    `warp`: what the model sees instead of the values.

    >>> Z = np.linspace(0, 1, 6)[:, None]
    >>> gp = fit_gp(Z, np.array([0]), np.sin(6 * Z[:, 0]))
    >>> float(np.abs(gp.predict(Z)[0] - np.sin(6 * Z[:, 0])).max()) < 1e-2
    True
    """
    if len(values) == 0:
        raise FitError("a Gaussian process needs at least one value")
    if known is not None and not warp.linear:
        known = known * warp.slope(values) ** 2
    sample, mean, sd = _standardised(Z, owner, warp.forward(values), known, counts)
    prior = prior or Prior()
    starts = starts or (prior.start(int(owner.max()) + 1, kernels[0]),)
    found = [Optimum(starts[0], np.inf, kernels[0])]
    if refit and sample.y.any():
        found = _searched(sample, starts, prior, kernels)
    best = min(found, key=lambda optimum: optimum.cost)
    beaten = tuple(optimum.kernel for optimum in found if optimum.cost > best.cost + CLEARLY)
    return replace(_factored(sample, best, last), mean=mean, sd=sd, warp=warp, beaten=beaten)


def _standardised(
    Z: Floats, owner: Ints, values: Floats, known: Floats | None, counts: Floats | None
) -> tuple[Sample, float, float]:
    mean, sd = _moments(values)
    n = len(values)
    return (
        Sample(
            Z,
            owner,
            (values - mean) / sd,
            np.zeros(n) if known is None else np.where(np.isnan(known), 0.0, known) / sd**2,
            np.ones(n) if counts is None else 1.0 / np.maximum(counts, 1.0),
        ),
        mean,
        sd,
    )


def _searched(sample: Sample, starts: tuple[Floats, ...], prior: Prior, kernels: tuple[str, ...]) -> list[Optimum]:
    """The best hyperparameters of each kernel; each has every start, the additive one a fresh one of its own."""
    likelihood = Likelihood(thinned(sample), prior)
    found = []
    for kernel in kernels:
        begin = starts
        if kernel == "additive" and len(kernels) > 1:
            begin = (*starts[: kernel == kernels[0]], prior.start(len(starts[0]) - 2, kernel))
        found.append(search(likelihood, begin, kernel))
    return found


def _factored(sample: Sample, optimum: Optimum, last: GP | None) -> GP:
    """The GP with these hyperparameters, in the sample's standardised units."""
    gp = GP(sample, optimum.theta, 0.0, 1.0, np.empty((0, 0)), np.empty(0), 0.0, optimum.cost, optimum.kernel)
    if last is not None and _continues(last, gp):
        fresh = _tail(sample, len(last))
        L, W, jitter = _extended(last, fresh) if len(fresh) else (last.L, last.W, 0.0)
    else:
        K = gp._correlate(gp._stretched)
        K[np.diag_indices(len(sample))] = gp.scale + sample.noise(gp.theta)
        (L, jitter), W = cholesky(K), None
    return replace(gp, L=L, jitter=jitter, W=W, alpha=solve(L, sample.y))


def _continues(last: GP, gp: GP) -> bool:
    """Whether the covariance of `last` is the upper left corner of that of `gp`."""
    n, old, new = len(last), last.sample, gp.sample
    return (
        n <= len(gp)
        and not last.jitter
        and last.kernel == gp.kernel
        and np.array_equal(last.theta, gp.theta)
        and np.array_equal(old.Z, new.Z[:n])
        and np.array_equal(old.noise(last.theta), new.noise(gp.theta)[:n])
    )


def _tail(sample: Sample, first: int) -> Sample:
    rest = slice(first, None)
    return Sample(sample.Z[rest], sample.owner, sample.y[rest], sample.known[rest], sample.shares[rest])


def _moments(values: Floats) -> tuple[float, float]:
    mean, sd = float(np.mean(values)), float(np.std(values))
    return mean, sd if sd > CONSTANT * max(abs(mean), 1e-300) else 1.0
