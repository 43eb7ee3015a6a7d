"""When to stop, best practices, advice; forgetting what the models learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.api.openapi.operation import Operation

__all__ = ["OPERATIONS"]

OPERATIONS: Final[Mapping[str, Operation]] = {
    "advice.stopping_criteria": Operation(reply="stopping_criteria"),
    "advice.best_practices": Operation(reply="best_practices"),
    "advice.advised": Operation(reply="advice"),
    "advice.forget_hyperparameters": Operation(),
}
