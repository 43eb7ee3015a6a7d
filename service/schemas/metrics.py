"""What is measured: a metric, and the rules between the metrics of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from service.schemas.fields import LARGEST_NUMBER, Name, Tagged, check_unique, named, refuse

__all__ = ["MOST_METRICS", "Metric", "MetricOrName", "check_metrics"]

MOST_METRICS: Final = 50
MOST_OPTIMIZED: Final = 16


class Metric(Tagged):
    """Something that is measured. `threshold` is the worst acceptable value, itself included.

    With an `expression` ("120 * conversions - cost_usd") it is a composite: computed from others, never reported.
    """

    name: Name | None = None
    objective: Literal["maximize", "minimize"] = "maximize"
    strategy: Literal["optimize", "constraint", "store"] = "optimize"
    threshold: Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)] | None = None
    expression: Annotated[str, Field(min_length=1, max_length=500)] | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the expression that a measured metric has not: SigOpt's callers know no such key."""
        found: dict[str, Any] = dump(self)
        if found.get("expression") is None:
            found.pop("expression", None)
        return found


#: A metric, or only its name.
MetricOrName = Annotated[Metric, BeforeValidator(named, json_schema_input_type=Metric | str)]


def check_metrics(metrics: Sequence[Metric]) -> None:
    """Refuse metrics that do not go together, or thresholds where there must or can't be one."""
    if not metrics:
        refuse(".metrics", "The `metrics` list must contain a metric")
    if len(metrics) > 1 and not all(metric.name for metric in metrics):
        refuse(".metrics", "Multimetric experiments do not support unnamed metrics: give every metric a name")
    check_unique((metric.name or "" for metric in metrics), ".metrics", "metric name")
    if all(metric.strategy == "store" for metric in metrics):
        refuse(".metrics", "At least one metric must have strategy `optimize` or `constraint`")
    if sum(metric.strategy == "optimize" for metric in metrics) > MOST_OPTIMIZED:
        refuse(".metrics", f"At most {MOST_OPTIMIZED} metrics can be optimized")
    if not any(metric.expression is None for metric in metrics):
        refuse(".metrics", "At least one metric must be measured: one with an expression is computed from others")
    for index, metric in enumerate(metrics):
        if metric.strategy == "constraint" and metric.threshold is None:
            refuse(f".metrics[{index}].threshold", f"Constraint metric `{metric.name}` needs a threshold")
        if metric.strategy == "store" and metric.threshold is not None:
            refuse(f".metrics[{index}].threshold", f"Stored metric `{metric.name}` can't have a threshold")
