"""Every operation of the API, one table a resource, by the name of the view that serves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.api.openapi.operation import Operation
from service.api.openapi.operations import advice, experiments, heads, knowledge, runs, transfer, trials, webhooks

__all__ = ["OPERATIONS", "PATHS"]

OPERATIONS: Final[Mapping[str, Operation]] = {
    **experiments.OPERATIONS,
    **trials.OPERATIONS,
    **heads.OPERATIONS,
    **webhooks.OPERATIONS,
    **transfer.OPERATIONS,
    **runs.OPERATIONS,
    **knowledge.OPERATIONS,
    **advice.OPERATIONS,
}
#: What is described though it does not lie under /v1.
PATHS: Final = frozenset(("/livez", "/readyz", "/openapi.json"))
