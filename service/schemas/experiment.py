"""What an experiment may be: its parameters, metrics and the rest of the body that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from service.errors import InvalidInputError
from service.schemas.fields import Name, Strict, named, parse_model, refuse, shorten
from service.schemas.metrics import MOST_METRICS, Metric, check_metrics
from service.schemas.parameters import (
    MOST_PARAMETERS,
    Conditional,
    LinearConstraint,
    Parameter,
    check_conditionals,
    check_constraint,
    check_parameters,
    numbered,
)
from service.schemas.tasks import Task

__all__ = ["Count", "Definition", "ExperimentBody", "Metadata", "check_metadata", "parse_experiment"]

Count = Annotated[int, Field(gt=0, lt=2**31)]
Metadata = Annotated[dict[str, str | float | int | None], Field(max_length=100)]


class ExperimentBody(Strict):
    """The body that creates an experiment."""

    name: Name
    parameters: Annotated[list[Parameter], Field(min_length=1, max_length=MOST_PARAMETERS)]
    metrics: Annotated[list[Annotated[Metric, BeforeValidator(named)]], Field(max_length=MOST_METRICS)] | None = None
    conditionals: list[Conditional] | None = None
    linear_constraints: list[LinearConstraint] | None = None
    observation_budget: Count | None = None
    parallel_bandwidth: Count | None = None
    metadata: Metadata | None = None
    type: Literal["offline", "random"] | None = None
    strategy: Annotated[str, Field(max_length=32)] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class Definition(Strict):
    """What an experiment is, checked: what results and suggestions are held against."""

    parameters: tuple[Parameter, ...]
    conditionals: tuple[Conditional, ...] = ()
    linear_constraints: tuple[LinearConstraint, ...] = ()
    metrics: tuple[Metric, ...]
    tasks: tuple[Task, ...] = ()

    @cached_property
    def metric_by_name(self) -> Mapping[str, Metric]:
        """The metrics by their names; a single metric without a name is called ''."""
        return {metric.name or "": metric for metric in self.metrics}

    @cached_property
    def reported(self) -> tuple[str, ...]:
        """The names of the metrics that results report: all but those that are computed from others."""
        return tuple(name for name, metric in self.metric_by_name.items() if not getattr(metric, "expression", None))

    @cached_property
    def parameter_by_name(self) -> Mapping[str, Parameter]:
        """The parameters by their names."""
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def conditional_by_name(self) -> Mapping[str, Conditional]:
        """The conditionals by their names."""
        return {conditional.name: conditional for conditional in self.conditionals}

    @cached_property
    def task_by_name(self) -> Mapping[str, Task]:
        """The tasks by their names; none where everything is measured in earnest."""
        return {task.name: task for task in self.tasks}

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        """Return the documents that are stored."""
        return {
            "parameters": [parameter.model_dump(exclude_none=False) for parameter in self.parameters],
            "conditionals": [conditional.model_dump() for conditional in self.conditionals],
            "linear_constraints": [constraint.model_dump() for constraint in self.linear_constraints],
            "metrics": [metric.model_dump() for metric in self.metrics],
            "tasks": [task.model_dump() for task in self.tasks],
        }

    @classmethod
    def of(cls, row: Any) -> Definition:
        """Read the definition that an experiment's row holds."""
        names = ("parameters", "conditionals", "linear_constraints", "metrics", "tasks")
        return cls.model_validate({name: getattr(row, name) for name in names}, strict=False)


def parse_experiment(body: Mapping[str, Any]) -> tuple[ExperimentBody, Definition]:
    """Read and check a body that creates an experiment. Raise `InvalidInputError` for the first thing that is wrong."""
    parsed = parse_model(ExperimentBody, _without_neutral(body))
    conditionals, constraints = parsed.conditionals or [], parsed.linear_constraints or []
    check_metadata(parsed.metadata)
    metrics = [Metric()] if parsed.metrics is None else parsed.metrics
    check_metrics(metrics)
    check_conditionals(conditionals)
    check_parameters(parsed.parameters, conditionals)
    for index, constraint in enumerate(constraints):
        check_constraint(constraint, parsed.parameters, f".linear_constraints[{index}]")
    definition = Definition(
        parameters=tuple(sorted((numbered(p) for p in parsed.parameters), key=lambda p: p.name)),
        conditionals=tuple(sorted(conditionals, key=lambda c: c.name)),
        linear_constraints=tuple(constraints),
        metrics=tuple(sorted(metrics, key=lambda m: m.name or "")),
    )
    return parsed, definition


#: What clients send along unused: taken when it says nothing, refused when it asks for something.
_NEUTRAL: Final[Mapping[str, tuple[Any, ...]]] = {
    "project": (None,),
    "num_solutions": (None, 1),
    "tasks": (None, []),
    "runs_only": (None, False),
}


def _without_neutral(body: Mapping[str, Any]) -> dict[str, Any]:
    for name, nothing in _NEUTRAL.items():
        if name in body and body[name] not in nothing:
            known = " or ".join(shorten(value) for value in nothing)
            message = f".{name} is not offered by this server: expected {known}, got {shorten(body[name])}"
            raise InvalidInputError(message, field=f".{name}", expected=known)
    return {name: value for name, value in body.items() if name not in _NEUTRAL}


def check_metadata(metadata: Mapping[str, Any] | None) -> None:
    """Refuse keys and texts that are too long."""
    for key, value in (metadata or {}).items():
        if len(key) > 100:
            refuse(".metadata", f"The length of .metadata key {key[:20]!r}… must be less than or equal to 100")
        if isinstance(value, str) and len(value) > 500:
            refuse(f".metadata.{key}", f"The length of .metadata.{key} must be less than or equal to 500")
