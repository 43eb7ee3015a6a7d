"""SMAC's black-box facade (Gaussian processes), with ParEGO for several metrics, asked and told.

Constraints on metrics and linear constraints have no place in it, so problems with them are refused, and thresholds
cannot be told.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import ConfigSpace
from smac import BlackBoxFacade, Scenario
from smac.multi_objective.parego import ParEGO
from smac.runhistory import StatusType, TrialValue

from benchmarks.quality.problems import Case
from objectives.space import Categorical, Int

warnings.filterwarnings("ignore")


def parameter(p: Any) -> Any:
    if isinstance(p, Categorical):
        return ConfigSpace.CategoricalHyperparameter(p.name, list(p.values))
    kind = ConfigSpace.UniformIntegerHyperparameter if isinstance(p, Int) else ConfigSpace.UniformFloatHyperparameter
    return kind(p.name, p.low, p.high, log=p.log)


def space_of(case: Case, seed: int) -> ConfigSpace.ConfigurationSpace:
    space = ConfigSpace.ConfigurationSpace(seed=seed)
    for p in case.problem.space.parameters:
        space.add(parameter(p))
    for p in case.problem.space.parameters:
        conditions = [
            ConfigSpace.InCondition(space[p.name], space[name], list(values)) for name, values in p.conditions
        ]
        if conditions:
            space.add(conditions[0] if len(conditions) == 1 else ConfigSpace.AndConjunction(*conditions))
    return space


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        self.metrics = case.problem.metrics
        if case.problem.space.constraints or any(m.strategy != "optimize" for m in self.metrics):
            raise ValueError("SMAC takes no constraints")
        names = [m.name for m in self.metrics]
        scenario = Scenario(
            space_of(case, seed),
            objectives=names[0] if len(names) == 1 else names,
            deterministic=True,
            n_trials=case.budget,
            seed=seed,
            output_directory=Path(tempfile.mkdtemp()),
        )
        several = {"multi_objective_algorithm": ParEGO(scenario)} if len(names) > 1 else {}
        self.smac = BlackBoxFacade(scenario, target, logging_level=False, overwrite=True, **several)

    def ask(self) -> dict[str, Any]:
        self.trial = self.smac.ask()
        return {name: value.item() if hasattr(value, "item") else value for name, value in self.trial.config.items()}

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:  # noqa: ARG002
        if values is None:
            cost = [1e9] * len(self.metrics)
            self.smac.tell(self.trial, TrialValue(cost=cost if len(cost) > 1 else cost[0], status=StatusType.CRASHED))
            return
        costs = [-v if m.objective == "maximize" else v for m, v in zip(self.metrics, values, strict=True)]
        self.smac.tell(self.trial, TrialValue(cost=costs if len(costs) > 1 else costs[0]))


def target(config: Any, seed: int = 0) -> float:  # noqa: ARG001
    """What asking and telling leaves unused."""
    raise RuntimeError("SMAC is asked and told here, it evaluates nothing")
