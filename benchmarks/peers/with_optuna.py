"""Optuna's GPSampler and TPESampler, asked and told as its documentation shows.

It takes no thresholds on objectives, so runs with them are not made. Constraints, linear ones too, go in as
`constraints_func`: values above zero are violations.
"""

from __future__ import annotations

import warnings
from typing import Any

import optuna

from benchmarks.quality.problems import Case
from objectives.space import Categorical, Int

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", module="optuna")

METHODS = {
    "optuna-gp": optuna.samplers.GPSampler,
    "optuna-tpe": optuna.samplers.TPESampler,
}


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:
        self.case = case
        metrics = case.problem.metrics
        self.wanted = [j for j, m in enumerate(metrics) if m.strategy == "optimize"]
        self.limited = [j for j, m in enumerate(metrics) if m.strategy == "constraint"]
        constrained = self.limited or case.problem.space.constraints
        options: dict[str, Any] = {"constraints_func": violations} if constrained else {}
        self.study = optuna.create_study(
            directions=[metrics[j].objective for j in self.wanted], sampler=METHODS[method](seed=seed, **options)
        )

    def ask(self) -> dict[str, Any]:
        self.trial = self.study.ask()
        a: dict[str, Any] = {}
        for p in self.case.problem.space.parameters:
            if not all(a.get(parent) in values for parent, values in p.conditions):
                continue
            if isinstance(p, Categorical):
                a[p.name] = self.trial.suggest_categorical(p.name, list(p.values))
            elif isinstance(p, Int):
                a[p.name] = self.trial.suggest_int(p.name, p.low, p.high, log=p.log)
            else:
                a[p.name] = self.trial.suggest_float(p.name, p.low, p.high, log=p.log)
        return a

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:
        if values is None:
            self.study.tell(self.trial, state=optuna.trial.TrialState.FAIL)
            return
        missed = []
        for j in self.limited:
            m = self.case.problem.metrics[j]
            missed.append((values[j] - m.threshold) * (1 if m.objective == "minimize" else -1))
        linear = self.case.problem.space.constraints
        missed += [c.threshold - sum(w * a[name] for name, w in c.weights.items()) for c in linear]
        self.trial.set_user_attr("missed", missed)
        self.study.tell(self.trial, [values[j] for j in self.wanted])


def violations(trial: optuna.trial.FrozenTrial) -> list[float]:
    return trial.user_attrs["missed"]
