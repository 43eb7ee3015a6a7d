"""auto: the member that suits the space and the data, which is what everyone gets who names none.

One table, first row that applies. A member is here because a benchmark showed that it earns its place
(benchmarks/quality); the others are in the table of strategies for those who ask for them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from objectives.strategies.constraint_active_search import constraint_active_search
from objectives.strategies.ehvi import log_ehvi
from objectives.strategies.several_solutions import several_solutions
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State, Strategy
from objectives.strategies.ucb import ucb

__all__ = ["RULES", "Rule", "auto"]


@dataclass(frozen=True)
class Rule:
    """When a member is chosen, which one, and why (the end of a sentence)."""

    applies: Callable[[State], bool]
    member: Strategy
    why: str


RULES: tuple[Rule, ...] = (
    Rule(lambda state: not any(state.problem.modelled), quasi_random, "no metric is optimized or limited"),
    Rule(lambda state: state.few, quasi_random, "there are too few results for models"),
    Rule(lambda state: state.problem.m == 0, constraint_active_search, "whatever meets the thresholds is wanted"),
    Rule(
        lambda state: state.problem.m == 1 and state.solutions > 1,
        several_solutions,
        "several different solutions are wanted",
    ),
    Rule(lambda state: state.problem.m == 1, ucb, "optimism suits a single metric"),
    Rule(lambda _: True, log_ehvi, "several metrics are traded off"),
)


def auto(state: State, rng: np.random.Generator) -> Proposal:
    """The proposal of the first member whose rule applies, and why it was asked."""
    rule = next(rule for rule in RULES if rule.applies(state))
    proposal = rule.member(state, rng)
    return replace(proposal, reason=f"{proposal.reason.removesuffix('.')} ({rule.why}).")
