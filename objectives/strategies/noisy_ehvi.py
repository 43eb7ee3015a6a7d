"""noisy_ehvi: the expected gain over every front that the noisy measurements allow, not over one believed front.

A few joint draws of what the functions truly are where they were measured make as many fronts; each has its boxes, and
the models are conditioned on each draw as if it were exact, so that nothing is gained by measuring a good point again
(Letham, Karrer, Ottoni, Bakshy 2019, noisy expected improvement; for several objectives Daulton, Balandat, Bakshy
2021). Without noise there is one front, and this is `log_ehvi`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve

from objectives.acquisition import log_ehvi, log_ei
from objectives.boxes import boxes_above
from objectives.gp import GP, condition
from objectives.pareto import nondominated, violation_order
from objectives.safe_math import log_sum_exp
from objectives.search import Acquisition
from objectives.shapes import Bools, Floats
from objectives.strategies.ehvi import Outlook, improve
from objectives.strategies.state import Proposal, State
from objectives.surrogates import Surrogate

__all__ = ["NoisyOutlook", "Scenarios", "noisy_ehvi"]

#: draws of what is true, at most so many rows that they are made at, and within how many standard deviations of the
#: mean the truth is looked for when it is asked whether a row may be on the front. Eight draws are no better than
#: four and take twice the time
DRAWS, ROWS, REACH = 4, 80, 2.0
#: boxes of all draws together: fewer draws are made where a front has many
MOST_BOXES = 4_000


def noisy_ehvi(state: State, rng: np.random.Generator) -> Proposal:
    """The largest gain in the mean over the draws; `log_ehvi` where nothing is noisy.

    O(DRAWS) times the boxes of `log_ehvi`, and models of at most ROWS more values.
    """
    return improve(NoisyOutlook(state), rng, strategy="noisy_ehvi")


@dataclass(frozen=True)
class Scenarios:
    """One model's function in as many versions as there were draws: means differ, doubts do not.

    values (s, r): what is true at the rows that matter; alpha (n, s): weights of the means, None where the means are
    those of `gp` in every version.
    """

    gp: Surrogate
    values: Floats
    alpha: Floats | None = None

    def standard(self, Z: Floats) -> tuple[Floats, Floats]:
        """Means (s, c) and standard deviations (c,)."""
        mean, var = self.gp.standard(Z)
        if self.alpha is None or not isinstance(self.gp, GP):
            return np.broadcast_to(mean, (len(self.values), len(Z))), np.sqrt(var)
        return np.asarray((self.gp.correlate(Z) @ self.alpha).T, dtype=np.float64), np.sqrt(var)


def scenarios(gp: Surrogate, Z: Floats, measured: Floats, count: int, rng: np.random.Generator) -> Scenarios:
    """`count` versions of `gp`, drawn at Z (r, p); the one that it is where its `measured` values (r,) are to be
    trusted."""
    if not gp.noisy:
        return Scenarios(gp, np.broadcast_to(measured, (count, len(measured))))
    values = gp.draws(Z, count, rng)
    if not isinstance(gp, GP):
        return Scenarios(gp, values)
    known = condition(gp, Z, gp.unstandardise(values[0]), known=np.zeros(len(Z)))
    y = np.vstack([np.tile(gp.y[:, None], count), values.T])
    return Scenarios(known, values, cho_solve((known.L, True), y))


@dataclass(frozen=True)
class NoisyOutlook(Outlook):
    """An outlook with several fronts, as likely as each other."""

    def single(self, rng: np.random.Generator) -> Acquisition:
        """log noisy expected improvement of the only objective, as a function of features."""
        if not self.gps[0].noisy:
            return super().single(rng)
        known = self._scenarios(DRAWS, rng)[0]
        best = known.values.max(axis=1)

        def value(Z: Floats) -> Floats:
            means, sd = known.standard(Z)
            return _log_mean([log_ei(mean, sd, level) for mean, level in zip(means, best.tolist(), strict=True)])

        return value

    def hypervolume_gain(self, rng: np.random.Generator) -> Acquisition:
        """log noisy expected hypervolume improvement; that of the believed front where boxes would be too many."""
        boxes = boxes_above(self.front, self.ref_point, limit=MOST_BOXES // 2)
        if boxes is None or not any(gp.noisy for gp in self.gps):
            return super().hypervolume_gain(rng)
        known = self._scenarios(min(DRAWS, MOST_BOXES // len(boxes)), rng)
        fronts = np.stack([one.values for one in known], axis=2)
        spaces = [found for Y in fronts if (found := boxes_above(Y[nondominated(Y)], self.ref_point)) is not None]

        def value(Z: Floats) -> Floats:
            both = [one.standard(Z) for one in known]
            means, sd = np.stack([mean for mean, _ in both], axis=2), np.column_stack([sd for _, sd in both])
            return _log_mean([log_ehvi(mean, sd, boxes) for mean, boxes in zip(means, spaces, strict=False)])

        return value

    def _scenarios(self, count: int, rng: np.random.Generator) -> tuple[Scenarios, ...]:
        X, Y = self.contenders
        Z = self._features(X)
        return tuple(scenarios(gp, Z, Y[:, j], count, rng) for j, gp in enumerate(self.gps))

    @cached_property
    def contenders(self) -> tuple[Floats, Floats]:
        """Coordinates (r, d) and believed values (r, m) of what may be on the front: at most ROWS feasible rows that
        no other surely beats, and what is open."""
        X, Y = self.state.observed[self.state.complete][self.feasible], self.values[self.feasible]
        doubt = REACH * self.predict(self._features(X))[1] * [float(gp.noisy) for gp in self.gps]
        hope, fear = np.asarray(Y + doubt, dtype=np.float64), np.asarray(Y - doubt, dtype=np.float64)
        surely: Bools = np.all(fear[nondominated(fear)] > hope[:, None, :], axis=2)
        beaten = np.where(np.any(surely, axis=1), 1.0, 0.0)
        order = violation_order(hope, beaten)[: min(ROWS, int((beaten == 0.0).sum()))]
        open_points, believed = self.landing
        return np.vstack([X[order], open_points]), np.vstack([Y[order], believed])

    def _features(self, X: Floats) -> Floats:
        return self.state.models.features(X) if self.state.models is not None else X


def _log_mean(values: Sequence[Floats]) -> Floats:
    """log of the mean of exponentials of arrays (c,)."""
    return np.asarray(log_sum_exp(np.stack(values), axis=0) - np.log(len(values)), dtype=np.float64)
