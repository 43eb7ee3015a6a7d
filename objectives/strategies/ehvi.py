"""log_ehvi: the candidate with the largest expected gain in hypervolume, weighed by its chance of being acceptable.

The reference point is the thresholds; where there are none it is inferred, tightly on two turns of three and widely
on the third, and on every third turn before 70 % of the budget one objective's own best is looked for instead
(`ends`), so that no end of the front is missed. With one objective this is log expected improvement.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from objectives.acquisition import log_ehvi as log_hypervolume_gain
from objectives.acquisition import log_ei, log_feasibility, log_scalarized_hvi
from objectives.boxes import boxes_above
from objectives.pareto import nondominated
from objectives.reference import tight_point, wide_point
from objectives.scalarization import sphere_weights
from objectives.search import POOL, Acquisition, Found, maximise
from objectives.shapes import Bools, Floats
from objectives.strategies.feasibility import limited_metrics, log_acceptable
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State
from objectives.surrogates import Surrogate

__all__ = ["Outlook", "improve", "log_ehvi"]

#: constraints' standard deviations are multiplied by this on every third turn
INFLATION = 4.0
#: an end is not looked for when less than this share of a standard deviation can be expected
END_WORTH = 0.002
#: share of the other objectives in the search for one objective's end
END_OTHERS = 0.02
ENDS_UNTIL = 0.7
#: weights and dice of the estimate that stands in where boxes would be too many
WEIGHTS, DICE = 48, 12


def log_ehvi(state: State, rng: np.random.Generator) -> Proposal:
    """The best of the search, or the next quasi-random point while there is too little data."""
    return improve(Outlook(state), rng)


def improve(outlook: Outlook, rng: np.random.Generator, *, strategy: str = "log_ehvi") -> Proposal:
    """The turn of `log_ehvi` and its kin: feasibility first, an end of the front in turn, else the outlook's gain."""
    state = outlook.state
    if state.few or not outlook.ready:
        return quasi_random(state, rng)
    return replace(_turn(outlook, rng), strategy=strategy)


def _turn(outlook: Outlook, rng: np.random.Generator) -> Proposal:
    if not outlook.state.front.feasible_count:
        return _look_for_feasible(outlook, rng)
    if outlook.ends_turn and (proposal := _look_for_end(outlook, rng)) is not None:
        return proposal
    found = outlook.search(outlook.gain(rng), rng)
    return _proposal(found, f"Largest expected gain in {outlook.quantity}, {outlook.reference_words}.")


@dataclass(frozen=True)
class Outlook:
    """A state seen through its models: standardised objectives, the front to beat, the reference point of this turn."""

    state: State

    @property
    def ready(self) -> bool:
        """Whether every optimized metric has a model."""
        return self.state.models is not None and len(self.gps) == self.state.problem.m > 0

    @cached_property
    def gps(self) -> tuple[Surrogate, ...]:
        """The models of the optimized metrics."""
        models = self.state.models
        found = [models.gps[j] for j in self.state.problem.optimized_index] if models is not None else []
        return tuple(gp for gp in found if gp is not None)

    @cached_property
    def values(self) -> Floats:
        """Standardised objectives (n, m) of the complete rows: as measured, posterior means of the noisy ones.

        A front of lucky measurements cannot be beaten, so that the search would give up on its best region.
        """
        measured = self._measured
        if self.state.models is None or not any(gp.noisy for gp in self.gps):
            return measured
        Z = self.state.models.features(self.state.observed[self.state.complete])
        columns = [gp.standard_mean(Z) if gp.noisy else measured[:, j] for j, gp in enumerate(self.gps)]
        return np.column_stack(columns)

    @property
    def _measured(self) -> Floats:
        problem, data = self.state.problem, self.state.data
        return self._standard(problem.to_max(data.values)[self.state.complete][:, problem.optimized_index])

    def _standard(self, Y: Floats) -> Floats:
        return np.asarray(np.column_stack([gp.standardise(Y[:, j]) for j, gp in enumerate(self.gps)]), dtype=np.float64)

    @cached_property
    def feasible(self) -> Bools:
        """Mask of complete rows that reach every threshold."""
        return np.asarray(self.state.problem.feasible(self.state.data.values[self.state.complete]), dtype=np.bool_)

    @cached_property
    def limits(self) -> Floats:
        """Thresholds (m,) of the optimized metrics, standardised; -inf where there is none."""
        limits = self.state.problem.thresholds_max[self.state.problem.optimized_index]
        return np.asarray(self._standard(limits[None])[0], dtype=np.float64)

    def predict(self, Z: Floats) -> tuple[Floats, Floats]:
        """Standardised means and standard deviations (c, m)."""
        both = [gp.standard(Z) for gp in self.gps]
        return np.column_stack([mean for mean, _ in both]), np.sqrt(np.column_stack([var for _, var in both]))

    @cached_property
    def front(self) -> Floats:
        """What is to be beaten (p, m): feasible observed points, and where open ones are believed to land."""
        Y = np.vstack([self.values[self.feasible], self.landing[1]])
        return np.asarray(Y[nondominated(Y)], dtype=np.float64)

    @cached_property
    def landing(self) -> tuple[Floats, Floats]:
        """Coordinates (q, d) of the open points that are likely to be acceptable, and their believed values (q, m)."""
        X = self.state.open_points
        if len(X) == 0 or self.state.models is None:
            return np.empty((0, self.state.problem.space.d)), np.empty((0, len(self.gps)))
        Z = self.state.models.features(X)
        likely = log_acceptable(self.state, Z) > np.log(0.5)
        return X[likely], self.predict(Z[likely])[0]

    # -- the reference point of this turn ------------------------------------------------------------------------------
    @property
    def inferred(self) -> Bools:
        """Mask (m,) of objectives without a threshold."""
        return ~np.isfinite(self.limits)

    @property
    def ends_turn(self) -> bool:
        """Whether this turn goes to one objective's own best."""
        early = self.state.turn < ENDS_UNTIL * self.state.budget
        return len(self.gps) > 1 and early and self.state.turn % 3 == 0

    @property
    def wide(self) -> bool:
        """Whether this turn counts the tails of the front too: one in three of those that are not for ends."""
        return (self.state.turn - self.state.turn // 3) % 3 == 2

    @property
    def inflation(self) -> float:
        """What the constraints' standard deviations are multiplied by this turn."""
        return INFLATION if self.state.turn % 3 == 2 else 1.0

    @cached_property
    def ref_point(self) -> Floats:
        """The point (m,) above which hypervolume counts this turn, standardised."""
        guess = self._wide_point if self.wide else tight_point(self._seen, self.values[: self.state.design_size])
        return np.where(self.inferred, guess, self.limits)

    @property
    def _wide_point(self) -> Floats:
        """Below the front; with constraints and two objectives below everything seen, since a feasible island may hide
        anywhere there (C2-DTLZ2 .87 -> .97)."""
        islands = len(self.gps) == 2 and len(self.state.problem.constraint_index) > 0
        return wide_point(self.values if islands else self.front)

    @cached_property
    def _seen(self) -> Floats:
        """The observed front and where the models see the Pareto set."""
        Z = self.state.models.features(self.state.models.population) if self.state.models is not None else None
        if Z is None or len(Z) == 0:
            return self.front
        return np.vstack([self.front, np.column_stack([gp.standard_mean(Z) for gp in self.gps])])

    @property
    def reference_words(self) -> str:
        """Where the reference point comes from, for people."""
        if not self.inferred.any():
            return "counted above the thresholds"
        whole = "the reference point" if self.inferred.all() else "part of the reference point"
        return f"with {whole} inferred {'widely' if self.wide else 'tightly'} for want of thresholds"

    @property
    def quantity(self) -> str:
        """What the gain is counted in."""
        return "hypervolume" if len(self.gps) > 1 else self.state.problem.optimized[0].name

    # -- acquisition functions of coordinates --------------------------------------------------------------------------
    def gain(self, rng: np.random.Generator) -> Acquisition:
        """log expected (hypervolume) improvement plus log probability of being acceptable."""
        return self.weighed(self.single(rng) if len(self.gps) == 1 else self.hypervolume_gain(rng))

    def weighed(self, value: Acquisition) -> Acquisition:
        """`value` of features, times the probability of being acceptable, as a function of coordinates."""
        models = self.state.models

        def acquisition(X: Floats) -> Floats:
            Z = models.features(X) if models is not None else X
            return value(Z) + log_acceptable(self.state, Z, inflate=self.inflation)

        return acquisition

    def single(self, rng: np.random.Generator) -> Acquisition:  # noqa: ARG002 - for outlooks that draw
        """log expected improvement of the only objective, as a function of features."""
        best = float(self.front.max())

        def value(Z: Floats) -> Floats:
            mean, sd = self.predict(Z)
            return log_ei(mean[:, 0], sd[:, 0], best)

        return value

    def hypervolume_gain(self, rng: np.random.Generator) -> Acquisition:
        """log expected hypervolume improvement, as a function of features; estimated where boxes would be too many."""
        boxes = boxes_above(self.front, self.ref_point)
        if boxes is not None:
            return lambda Z: log_hypervolume_gain(*self.predict(Z), boxes, ranked=POOL)
        m = len(self.gps)
        dice, weights = rng.normal(size=(DICE, m)), sphere_weights(WEIGHTS, m, rng)
        return lambda Z: log_scalarized_hvi(*self.predict(Z), self.front, self.ref_point, dice=dice, weights=weights)

    def end(self, j: int) -> Acquisition:
        """log expected improvement of objective j within the thresholds, with a little of the others, so as not to
        waste."""
        mix = np.full(len(self.gps), END_OTHERS)
        mix[j] = 1.0
        best = float((self.front @ mix).max())
        limited = ~self.inferred

        def value(Z: Floats) -> Floats:
            mean, sd = self.predict(Z)
            allowed = log_feasibility(mean[:, limited], sd[:, limited], self.limits[limited])
            return log_ei(mean @ mix, np.sqrt((sd * sd) @ (mix * mix)), best) + allowed

        return self.weighed(value)

    def search(self, acquisition: Acquisition, rng: np.random.Generator) -> Found:
        """The maximum over the space, begun from the population and the observed front.

        With several metrics moves may end on the box's edges, where ends of fronts lie, and some fronts altogether
        (DTLZ6 +.68, WFG1 +.55, Penicillin +.05; nothing clearly worse: benchmarks/quality/edges.py). With a single one
        nothing was gained by it (21 functions: +.004, standard error .016).
        """
        state = self.state
        front = state.observed[list(state.front.indices)]
        starts = np.vstack([front, state.models.population]) if state.models is not None else front
        space = state.problem.space
        starts = space.snap(starts)
        starts, edges = starts[space.valid(starts)], len(self.gps) > 1
        return maximise(space, acquisition, starts, taken=state.taken, rng=rng, edges=edges)


def _look_for_feasible(outlook: Outlook, rng: np.random.Generator) -> Proposal:
    """While nothing is feasible: the candidate most likely to be."""
    found = outlook.search(outlook.weighed(lambda Z: np.zeros(len(Z))), rng)
    names = [outlook.state.problem.metrics[j].name for j in limited_metrics(outlook.state)]
    return _proposal(found, f"Nothing is feasible yet: most likely to reach the thresholds of {', '.join(names)}.")


def _look_for_end(outlook: Outlook, rng: np.random.Generator) -> Proposal | None:
    """One objective's own best, in turn; None when little can be expected of it."""
    j = (outlook.state.turn // 3) % len(outlook.gps)
    found = outlook.search(outlook.end(j), rng)
    if found.log_value < np.log(END_WORTH):
        return None
    name = outlook.state.problem.optimized[j].name
    return _proposal(found, f"Looks for the end of the front where {name} is best.")


def _proposal(found: Found, reason: str) -> Proposal:
    return Proposal(found.x, found.assignments, "log_ehvi", reason, found.log_value)
