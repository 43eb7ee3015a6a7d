"""What replies look like, object by object: one file a resource."""

from __future__ import annotations

from typing import Final

from service.api.openapi.components import advice, common, experiments, heads, knowledge, runs, trials, webhooks
from service.api.openapi.shapes import Schema

__all__ = ["COMPONENTS"]

COMPONENTS: Final[dict[str, Schema]] = {
    **common.COMPONENTS,
    **experiments.COMPONENTS,
    **trials.COMPONENTS,
    **heads.COMPONENTS,
    **webhooks.COMPONENTS,
    **runs.COMPONENTS,
    **knowledge.COMPONENTS,
    **advice.COMPONENTS,
}
