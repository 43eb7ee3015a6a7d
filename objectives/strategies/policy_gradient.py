"""policy_gradient: a sampler that learns which choices paid, for architecture-like spaces of many categories.

A distribution over each parameter on its own, moved along the gradient of expected reward (REINFORCE, Williams 1992;
for architectures Zoph & Le 2017). The whole history is replayed each time, so nothing needs to be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from objectives.shapes import Floats
from objectives.space import Parameter, SearchSpace
from objectives.strategies.nsga2 import first_free, ranked
from objectives.strategies.sobol import quasi_random
from objectives.strategies.state import Proposal, State

__all__ = ["Policy", "policy_gradient"]

#: step of the logits for one result at the top rather than in the middle; widths of the bells over numbers
RATE, WIDE, NARROW = 0.8, 0.35, 0.08
DRAWN = 32


@dataclass
class Policy:
    """Logits of each category, and centre and width of a bell for each number."""

    space: SearchSpace
    logits: list[Floats] = field(default_factory=list)
    centre: Floats = field(default_factory=lambda: np.empty(0))
    width: float = WIDE

    def __post_init__(self) -> None:
        self.logits = [np.zeros(int(p.cardinality) if c else 0) for p, c in self._columns()]
        self.centre = np.full(self.space.d, 0.5)

    def _columns(self) -> list[tuple[Parameter, bool]]:
        return list(zip(self.space.parameters, self.space.categorical.tolist(), strict=True))

    def learn(self, x: Floats, advantage: float) -> None:
        """Make the choices of x (d,) likelier in proportion to `advantage` (rarer, if it is negative)."""
        active = self.space.active(x[None])[0]
        for k in np.flatnonzero(active).tolist():
            if self.space.categorical[k]:
                chosen = int(self.space.parameters[k].from_unit(x[k : k + 1])[0])
                gradient = -self.chances(k)
                gradient[chosen] += 1.0
                self.logits[k] += RATE * advantage * gradient
            else:
                self.centre[k] += 0.3 * max(advantage, 0.0) * (x[k] - self.centre[k])

    def chances(self, k: int) -> Floats:
        """Probabilities of the categories of parameter k."""
        weights = np.exp(self.logits[k] - self.logits[k].max())
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """`count` coordinates from the policy, snapped."""
        X = np.clip(self.centre + self.width * rng.normal(size=(count, self.space.d)), 0.0, 1.0)
        for k in np.flatnonzero(self.space.categorical).tolist():
            chances = self.chances(k)
            X[:, k] = self.space.parameters[k].to_unit(
                rng.choice(len(chances), size=count, p=chances).astype(np.float64)
            )
        return self.space.snap(X)


def policy_gradient(state: State, rng: np.random.Generator) -> Proposal:
    """A draw from the policy that the history teaches; the reward of a row is its rank among all."""
    if len(state.complete) < state.design_size:
        return quasi_random(state, rng)
    policy, order = Policy(state.problem.space), ranked(state)
    reward = dict(zip(order.tolist(), np.linspace(1.0, -1.0, len(order)), strict=True))
    for row in state.complete.tolist():
        policy.learn(state.observed[row], float(reward[row]))
    policy.width = max(NARROW, WIDE * 0.5 ** (len(order) / (4.0 * state.design_size)))
    X = policy.draw(DRAWN, rng)
    X = X[state.problem.space.valid(X)]
    return first_free(state, X, "policy_gradient", "Drawn from the choices that have paid so far.", rng)
