"""Ax through its Client at its defaults, as its tutorials show: it chooses the models and the acquisition function.

Thresholds of metrics go in as outcome constraints on the objectives, linear constraints as parameter constraints.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from benchmarks.quality.problems import Case
from objectives.space import Categorical, Int

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


def parameter(p: Any, children: dict[str, dict[str, list[str]]]) -> Any:
    if isinstance(p, Categorical):
        rest = {"dependent_parameters": children[p.name]} if p.name in children else {}
        return ChoiceParameterConfig(name=p.name, values=list(p.values), parameter_type="str", is_ordered=False, **rest)
    kind, scaling = ("int" if isinstance(p, Int) else "float"), ("log" if p.log else "linear")
    return RangeParameterConfig(name=p.name, bounds=(p.low, p.high), parameter_type=kind, scaling=scaling)


def dependents(parameters: Any) -> dict[str, dict[str, list[str]]]:
    """Which parameters matter for which value of which other one."""
    found: dict[str, dict[str, list[str]]] = {}
    for p in parameters:
        for parent, values in p.conditions:
            for value in values:
                found.setdefault(parent, {}).setdefault(value, []).append(p.name)
    return found


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        space, self.metrics = case.problem.space, case.problem.metrics
        children = dependents(space.parameters)
        self.client = Client(random_seed=seed)
        linear = [
            " + ".join(f"{weight} * {name}" for name, weight in c.weights.items()) + f" >= {c.threshold}"
            for c in space.constraints
        ]
        self.client.configure_experiment(
            parameters=[parameter(p, children) for p in space.parameters], parameter_constraints=linear
        )
        wanted = [m for m in self.metrics if m.strategy == "optimize"]
        limits = [
            f"{m.name} {'>=' if m.objective == 'maximize' else '<='} {m.threshold}"
            for m in self.metrics
            if m.threshold is not None
        ]
        objective = ", ".join(m.name if m.objective == "maximize" else f"-{m.name}" for m in wanted)
        self.client.configure_optimization(objective=objective, outcome_constraints=limits)

    def ask(self) -> dict[str, Any]:
        ((self.trial, a),) = self.client.get_next_trials(max_trials=1).items()
        return dict(a)

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:  # noqa: ARG002
        if values is None:
            self.client.mark_trial_failed(trial_index=self.trial)
            return
        raw = {m.name: float(v) for m, v in zip(self.metrics, values, strict=True)}
        self.client.complete_trial(trial_index=self.trial, raw_data=raw)
