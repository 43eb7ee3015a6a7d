"""What of an experiment may change while it runs: name, state, budget, project, metadata, parameters, thresholds.

What results and models were built on (what a parameter is, metrics' names and directions, conditionals, constraints)
stays as it was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema

from service.errors import InvalidInputError, did_you_mean
from service.schemas.experiment import Count, Metadata, check_metadata
from service.schemas.fields import Name, Strict, parse_model, refuse, shorten
from service.schemas.metrics import MOST_METRICS, Metric, MetricOrName, check_metrics

__all__ = ["ExperimentUpdate", "parse_update", "with_thresholds"]


class ExperimentUpdate(Strict):
    """The body that changes an experiment: what is not in it stays. `model_fields_set` says what was given."""

    name: Name = ""
    state: Literal["active", "deleted"] = "active"
    observation_budget: Count | None = None
    budget: Count | None = None
    parallel_bandwidth: Count | None = None
    metadata: Metadata | None = None
    #: Laid over what there is before it is checked: see `parameter_changes`.
    parameters: Annotated[Any, WithJsonSchema({"type": "array", "items": {"type": "object"}})] = None
    metrics: list[MetricOrName] = Field(default_factory=list, max_length=MOST_METRICS)
    #: SigOpt's word for "do not compute now": taken, and without effect, since what was computed must stay right.
    no_optimize: bool | None = None
    project: str | None = None


#: What is part of an experiment and can't be changed.
_FIXED: Final = (
    "type",
    "conditionals",
    "linear_constraints",
    "tasks",
    "num_solutions",
    "strategy",
    "seed",
    "runs_only",
    "development",
)


def parse_update(body: Mapping[str, Any], *, runs_only: bool = False) -> ExperimentUpdate:
    """Read and check a body that changes an experiment. Raise `InvalidInputError` for the first thing that is wrong.

    Whether the experiment is made of runs says how its budget is called.
    """
    for name in _FIXED:
        if name in body:
            words = f".{name}: it can't be changed once the experiment is made, got {shorten(body[name])}"
            refuse(f".{name}", words)
    wrong, right = ("observation_budget", "budget") if runs_only else ("budget", "observation_budget")
    if wrong in body:
        refuse(f".{wrong}", f"{wrong} is not a valid field of this experiment: see {right}")
    parsed = parse_model(ExperimentUpdate, body)
    check_metadata(parsed.metadata)
    return parsed


def with_thresholds(metrics: Sequence[Metric], given: Sequence[Metric]) -> tuple[Metric, ...]:
    """Return `metrics` with the thresholds of `given`, which has to list every one of them.

    A threshold that is not given stays, null takes it away; all else may be left out, or has to be as it is.
    """
    known = {metric.name or "": metric for metric in metrics}
    given = [_meant(change, known) for change in given]
    for index, change in enumerate(given):
        _check_change(change, known, f".metrics[{index}]")
        _check_constraint(change, f".metrics[{index}]")
    missing = sorted(known.keys() - {change.name or "" for change in given})
    if missing:
        message = f"All metrics have to be listed in .metrics: {', '.join(missing) or 'the one without a name'} missing"
        raise InvalidInputError(message, field=".metrics", expected=", ".join(sorted(known)))
    changed = [_changed(known[change.name or ""], change) for change in given]
    check_metrics(changed)
    return tuple(sorted(changed, key=lambda metric: metric.name or ""))


def _meant(change: Metric, known: Mapping[str, Metric]) -> Metric:
    """Return a change that names its metric: where there is only one, it need not."""
    if "name" in change.model_fields_set or len(known) != 1:
        return change
    (metric,) = known.values()
    return change.model_copy(update={"name": metric.name})


def _check_change(change: Metric, known: Mapping[str, Metric], field: str) -> None:
    metric = known.get(change.name or "")
    if metric is None:
        hint = did_you_mean(change.name or "", [name or "null" for name in known])
        message = f"Unknown metric {change.name!r}{hint}: metrics can't be added"
        raise InvalidInputError(message, field=f"{field}.name")
    for name in ("objective", "strategy", "expression"):
        old, new = getattr(metric, name), getattr(change, name)
        if name in change.model_fields_set and new != old:
            message = f"{field}.{name} can't be changed: it is {old}, got {new}"
            raise InvalidInputError(message, field=f"{field}.{name}", expected=old)


def _check_constraint(change: Metric, field: str) -> None:
    """Refuse a constraint that is described anew without its threshold: SigOpt did, and a forgotten one is no wish."""
    if {"strategy", "threshold"} & change.model_fields_set == {"strategy"} and change.strategy == "constraint":
        refuse(f"{field}.threshold", f"Constraint metric `{change.name}` needs a threshold")


def _changed(metric: Metric, change: Metric) -> Metric:
    if "threshold" not in change.model_fields_set:
        return metric
    return metric.model_copy(update={"threshold": change.threshold})
