"""auto: the member that suits the data and has earned its turn, which is what everyone gets who names none.

One table, first row that applies; where a row has two members, credit shares the turns between them
(`objectives.strategies.credit`). A member is here because a benchmark showed that it earns its place
(benchmarks/quality/members.py); the others are in the table of strategies for those who ask for them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from objectives.gp import GP
from objectives.strategies.constraint_active_search import constraint_active_search
from objectives.strategies.credit import foretold, share_of_small_steps
from objectives.strategies.ehvi import Outlook, log_ehvi
from objectives.strategies.noisy_ehvi import noisy_ehvi
from objectives.strategies.several_solutions import several_solutions
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State, Strategy
from objectives.strategies.trust_region import trust_region
from objectives.strategies.ucb import ucb
from objectives.tasks import GOLDEN

__all__ = ["RULES", "Rule", "auto"]

#: a member, and why it was asked (the end of a sentence)
Choice = tuple[Strategy, str]


@dataclass(frozen=True)
class Rule:
    """When a row of the table applies, and whom it then asks."""

    applies: Callable[[State], bool]
    choose: Callable[[State], Choice]


def always(member: Strategy, why: str) -> Callable[[State], Choice]:
    """The same member at every turn."""
    return lambda _: (member, why)


def by_credit(state: State) -> Choice:
    """Small steps around the best as often as they have earned it, evenly spread over the turns; else a look at all.

    That is optimism; expected improvement where every parameter has a part of its own in the metric, as an additive
    model sees them all. What it doubts is the same wherever nothing was measured, so that optimism keeps away from the
    best (six seeds of 28 functions: .930 against .923; with any model: no gain).
    """
    outlook = Outlook(state)
    if not outlook.ready or not state.front.feasible_count:
        return ucb, "optimism suits a single metric"
    fit = foretold(outlook)
    share = share_of_small_steps(fit)
    known = f"the model foretells {max(fit, 0.0):.0%} of the variance of results that it has not seen"
    if (state.turn * GOLDEN) % 1.0 < share:
        return trust_region, f"{known}, which gives small steps {share:.0%} of the turns"
    if separable(outlook):
        return log_ehvi, f"every parameter has its own part in a metric of which {known}"
    return ucb, f"optimism suits a single metric of which {known}"


def separable(outlook: Outlook) -> bool:
    """Whether the model of the first objective is a sum over the parameters."""
    gp = outlook.gps[0]
    return isinstance(gp, GP) and gp.kernel == "additive"


def noisy(state: State) -> bool:
    """Whether a front is traded off whose measurements are not to be taken at their word."""
    return state.problem.m > 1 and any(gp.noisy for gp in Outlook(state).gps)


RULES: tuple[Rule, ...] = (
    Rule(lambda state: not any(state.problem.modelled), always(quasi_random, "no metric is optimized or limited")),
    Rule(lambda state: state.few, always(quasi_random, "there are too few results for models")),
    Rule(
        lambda state: state.problem.m == 0,
        always(constraint_active_search, "whatever meets the thresholds is wanted"),
    ),
    Rule(
        lambda state: state.problem.m == 1 and state.solutions > 1,
        always(several_solutions, "several different solutions are wanted"),
    ),
    Rule(lambda state: state.problem.m == 1, by_credit),
    Rule(noisy, always(noisy_ehvi, "several metrics are traded off and their measurements are noisy")),
    Rule(lambda _: True, always(log_ehvi, "several metrics are traded off")),
)


def auto(state: State, rng: np.random.Generator) -> Proposal:
    """The proposal of the member that the first row that applies asks, and why it was asked."""
    member, why = next(rule for rule in RULES if rule.applies(state)).choose(state)
    proposal = member(state, rng)
    return replace(proposal, reason=f"{proposal.reason.removesuffix('.')} (asked because {why}).")
