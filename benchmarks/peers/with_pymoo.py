"""pymoo's NSGA-II with a population of 20, asked and told; what it costs to have no model. Real parameters only."""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.core.evaluator import Evaluator
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.problems.static import StaticProblem

from benchmarks.quality.problems import Case
from objectives.space import Double


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        space, self.metrics = case.problem.space, case.problem.metrics
        if space.constraints or not all(isinstance(p, Double) and not p.conditions for p in space.parameters):
            raise ValueError("this adapter takes real parameters without linear constraints only")
        self.parameters = space.parameters
        self.wanted = [j for j, m in enumerate(self.metrics) if m.strategy == "optimize"]
        self.limited = [j for j, m in enumerate(self.metrics) if m.strategy == "constraint"]
        d = len(self.parameters)
        self.problem = Problem(d, n_obj=len(self.wanted), n_ieq_constr=len(self.limited), xl=np.zeros(d), xu=np.ones(d))
        self.algorithm = (NSGA2 if len(self.wanted) > 1 else GA)(pop_size=20)
        self.algorithm.setup(self.problem, termination=("n_eval", 10 * case.budget), seed=seed, verbose=False)
        self.waiting: list[np.ndarray] = []
        self.told: list[list[float]] = []

    def ask(self) -> dict[str, Any]:
        if len(self.told) == len(self.waiting):
            self.hand_over()
        x = self.waiting[len(self.told)]
        return {
            p.name: p.low * (p.high / p.low) ** u if p.log else p.low + u * (p.high - p.low)
            for p, u in zip(self.parameters, map(float, x), strict=True)
        }

    def hand_over(self) -> None:
        """Give a whole generation back and take the next one."""
        if self.told:
            table = np.array(self.told)
            found = {"F": table[:, self.wanted]} | ({"G": table[:, self.limited]} if self.limited else {})
            Evaluator().eval(StaticProblem(self.problem, **found), self.generation)
            self.algorithm.tell(infills=self.generation)
        self.generation = self.algorithm.ask()
        self.waiting, self.told = list(Population.new(X=self.generation.get("X")).get("X")), []

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:  # noqa: ARG002
        row = [1e9] * len(self.metrics) if values is None else list(values)
        for j, m in enumerate(self.metrics):
            sign = -1.0 if m.objective == "maximize" else 1.0
            row[j] = row[j] if values is None else sign * row[j] - (sign * m.threshold if j in self.limited else 0.0)
        self.told.append(row)
