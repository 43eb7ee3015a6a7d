"""Our own engine, run by the same loop as the peers."""

from __future__ import annotations

from typing import Any

from benchmarks.quality.problems import Case
from objectives.optimizer import Optimizer


class Peer:
    def __init__(self, method: str, case: Case, seed: int) -> None:  # noqa: ARG002
        self.names = [m.name for m in case.problem.metrics]
        self.optimizer = Optimizer(case.problem, seed=seed, budget=case.budget)

    def ask(self) -> dict[str, Any]:
        return self.optimizer.ask()

    def tell(self, a: dict[str, Any], values: list[float] | None) -> None:
        self.optimizer.tell(a, None if values is None else dict(zip(self.names, values, strict=True)))
