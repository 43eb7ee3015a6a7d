"""SigOpt's own engine, in the form in which it was left: two optimized metrics at most."""

from __future__ import annotations

import warnings
from typing import Any

from sigoptlite.driver import DEFAULT_COMPUTE_MODE, LocalAPI

from benchmarks.quality.problems import Case
from objectives.space import Categorical, Int

warnings.filterwarnings("ignore")


def parameter(p: Any) -> dict[str, Any]:
    conditions = {"conditions": {name: list(values) for name, values in p.conditions}} if p.conditions else {}
    if isinstance(p, Categorical):
        return {"name": p.name, "type": "categorical", "categorical_values": list(p.values), **conditions}
    scale = {"transformation": "log"} if p.log and not isinstance(p, Int) else {}
    kind = "int" if isinstance(p, Int) else "double"
    return {"name": p.name, "type": kind, "bounds": {"min": p.low, "max": p.high}, **scale, **conditions}


def constraint(c: Any) -> dict[str, Any]:
    terms = [{"name": name, "weight": weight} for name, weight in c.weights.items()]
    return {"type": "greater_than", "terms": terms, "threshold": c.threshold}


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        import numpy as np  # noqa: PLC0415

        np.random.seed(seed)  # noqa: NPY002 its only dice
        space, self.metrics = case.problem.space, case.problem.metrics
        parents = {name for p in space.parameters for name, _ in p.conditions}
        metrics = [
            {"name": m.name, "objective": m.objective, "strategy": m.strategy}
            | ({} if m.threshold is None or len(self.metrics) == 1 else {"threshold": m.threshold})
            for m in self.metrics
        ]
        conditionals = [{"name": p.name, "values": list(p.values)} for p in space.parameters if p.name in parents]
        body = {
            "name": case.name,
            "parameters": [parameter(p) for p in space.parameters if p.name not in parents],
            "metrics": metrics,
            "observation_budget": case.budget,
            **({"conditionals": conditionals} if conditionals else {}),
            **({"linear_constraints": [constraint(c) for c in space.constraints]} if space.constraints else {}),
        }
        self.api = LocalAPI(DEFAULT_COMPUTE_MODE)
        self.api.experiments_post(body)

    def ask(self) -> dict[str, Any]:
        self.suggestion = self.api.suggestions_post(None)
        return dict(self.suggestion["assignments"])

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:  # noqa: ARG002
        body: dict[str, Any] = {"suggestion": self.suggestion["id"], "failed": values is None}
        if values is not None:
            body["values"] = [{"name": m.name, "value": float(v)} for m, v in zip(self.metrics, values, strict=True)]
        self.api.observations_post(body)
