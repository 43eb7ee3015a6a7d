"""OpenBox's Advisor as its documentation sets it up: 2 (d + 1) Sobol points, `auto` for the rest.

Its hypervolume improvement needs the reference point, which the thresholds give; without them ParEGO is what is left.
"""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

from openbox import Advisor, Observation
from openbox import space as sp
from openbox.utils.constants import FAILED

from benchmarks.quality.problems import Case
from objectives.space import Categorical, Int

warnings.filterwarnings("ignore")


def parameter(p: Any) -> Any:
    if isinstance(p, Categorical):
        return sp.Categorical(p.name, list(p.values))
    return sp.Int(p.name, p.low, p.high, log=p.log) if isinstance(p, Int) else sp.Real(p.name, p.low, p.high, log=p.log)


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        problem = case.problem
        if problem.space.constraints or any(p.conditions for p in problem.space.parameters):
            raise ValueError("this adapter takes neither linear constraints nor conditions")
        self.metrics = problem.metrics
        space = sp.Space(seed=seed)
        space.add_variables([parameter(p) for p in problem.space.parameters])
        wanted = [m for m in self.metrics if m.strategy == "optimize"]
        point = [self.cost(m, m.threshold) for m in wanted] if all(m.threshold is not None for m in wanted) else None
        several = {} if len(wanted) == 1 else {"ref_point": point} if point else {"acq_type": "parego"}
        self.advisor = Advisor(
            space,
            num_objectives=len(wanted),
            num_constraints=len(self.metrics) - len(wanted),
            initial_trials=2 * (len(problem.space.parameters) + 1),
            init_strategy="sobol",
            output_dir=tempfile.mkdtemp(),
            random_state=seed,
            logger_kwargs={"level": "ERROR"},
            **several,
        )

    @staticmethod
    def cost(metric: Any, value: float) -> float:
        return -value if metric.objective == "maximize" else value

    def ask(self) -> dict[str, Any]:
        self.config = self.advisor.get_suggestion()
        return {name: v.item() if hasattr(v, "item") else v for name, v in self.config.get_dictionary().items()}

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:  # noqa: ARG002
        if values is None:
            self.advisor.update_observation(Observation(self.config, objectives=None, trial_state=FAILED))
            return
        pairs = list(zip(self.metrics, values, strict=True))
        objectives = [self.cost(m, v) for m, v in pairs if m.strategy == "optimize"]
        limits = [self.cost(m, v) - self.cost(m, m.threshold) for m, v in pairs if m.strategy == "constraint"]
        self.advisor.update_observation(Observation(self.config, objectives=objectives, constraints=limits or None))
