"""The table of strategies: each usable by name, one file each; `auto` chooses among them.

A strategy is a function of the state of an experiment and dice, and proposes one point. Adding one is a file and a row.
"""

from __future__ import annotations

from objectives.strategies.auto import auto
from objectives.strategies.constraint_active_search import constraint_active_search
from objectives.strategies.ehvi import log_ehvi
from objectives.strategies.grid import grid
from objectives.strategies.noisy_ehvi import noisy_ehvi
from objectives.strategies.nsga2 import nsga2
from objectives.strategies.nsga3 import nsga3
from objectives.strategies.parego import parego
from objectives.strategies.policy_gradient import policy_gradient
from objectives.strategies.several_solutions import several_solutions
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State, Strategy
from objectives.strategies.thompson import thompson
from objectives.strategies.tpe import tpe
from objectives.strategies.trust_region import trust_region
from objectives.strategies.ucb import ucb
from objectives.strategies.uniform import random

__all__ = ["MODEL_FREE", "STRATEGIES", "Proposal", "State", "Strategy"]

#: strategies that ask no model, so that none need be fitted for them
MODEL_FREE = frozenset({"grid", "nsga2", "nsga3", "policy_gradient", "quasi_random", "random", "tpe"})

STRATEGIES: dict[str, Strategy] = {
    "auto": auto,
    "constraint_active_search": constraint_active_search,
    "several_solutions": several_solutions,
    "log_ehvi": log_ehvi,
    "noisy_ehvi": noisy_ehvi,
    "parego": parego,
    "quasi_random": quasi_random,
    "random": random,
    "grid": grid,
    "nsga2": nsga2,
    "nsga3": nsga3,
    "policy_gradient": policy_gradient,
    "thompson": thompson,
    "tpe": tpe,
    "trust_region": trust_region,
    "ucb": ucb,
}
