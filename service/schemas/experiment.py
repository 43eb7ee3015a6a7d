"""What an experiment may be: its parameters, metrics and the rest of the body that makes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from service.db import strict_json
from service.schemas.fields import Name, Strict, parse_model, refuse
from service.schemas.metrics import MOST_METRICS, Metric, MetricOrName, check_metrics
from service.schemas.parameters import (
    MOST_PARAMETERS,
    Conditional,
    LinearConstraint,
    Parameter,
    check_parameters,
    normal,
)
from service.schemas.rules import check_conditionals, check_constraints, check_grids
from service.schemas.tasks import Task, check_tasks

__all__ = [
    "Count",
    "Definition",
    "ExperimentBody",
    "Metadata",
    "check_metadata",
    "check_solutions",
    "check_space",
    "parse_experiment",
]


def _whole(given: Any) -> Any:
    """Take 60.0 for 60, as JSON means it: it knows numbers only."""
    return int(given) if isinstance(given, float) and given.is_integer() else given


Count = Annotated[int, Field(gt=0, lt=2**31), BeforeValidator(_whole)]
Metadata = Annotated[dict[str, str | float | int | None], Field(max_length=100)]


class ExperimentBody(Strict):
    """The body that creates an experiment."""

    name: Name
    parameters: Annotated[list[Parameter], Field(min_length=1, max_length=MOST_PARAMETERS)]
    metrics: Annotated[list[MetricOrName], Field(max_length=MOST_METRICS)] | None = None
    conditionals: list[Conditional] | None = None
    linear_constraints: list[LinearConstraint] | None = None
    tasks: list[Task] | None = None
    num_solutions: Count | None = None
    observation_budget: Count | None = None
    budget: Count | None = None
    parallel_bandwidth: Count | None = None
    project: str | None = None
    runs_only: bool | None = None
    metadata: Metadata | None = None
    type: Literal["offline", "random", "grid"] | None = None
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
        """Read the definition that an experiment's row holds; one that was read before costs next to nothing."""
        return _read(strict_json({name: getattr(row, name) for name in _DOCUMENTS}))


_DOCUMENTS: Final = ("parameters", "conditionals", "linear_constraints", "metrics", "tasks")


@lru_cache(maxsize=512)
def _read(documents: str) -> Definition:
    return Definition.model_validate_json(documents, strict=False)


def parse_experiment(body: Mapping[str, Any]) -> tuple[ExperimentBody, Definition]:
    """Read and check a body that creates an experiment. Raise `InvalidInputError` for the first thing that is wrong."""
    parsed = parse_model(ExperimentBody, body)
    check_metadata(parsed.metadata)
    definition = _definition(parsed)
    if parsed.type == "grid":
        check_grids(parsed.parameters)
    _check_budget(parsed)
    check_solutions(definition, parsed.num_solutions, parsed.observation_budget)
    return parsed, definition


def _definition(parsed: ExperimentBody) -> Definition:
    conditionals, constraints, tasks = parsed.conditionals or [], parsed.linear_constraints or [], parsed.tasks or []
    metrics = [Metric()] if parsed.metrics is None else parsed.metrics
    check_metrics(metrics)
    check_space(parsed.parameters, conditionals, constraints)
    check_tasks(tasks)
    return Definition(
        parameters=tuple(sorted(map(normal, parsed.parameters), key=lambda p: p.name)),
        conditionals=tuple(sorted(conditionals, key=lambda c: c.name)),
        linear_constraints=tuple(constraints),
        metrics=tuple(sorted(metrics, key=lambda m: m.name or "")),
        tasks=tuple(sorted(tasks, key=lambda t: -t.cost)),
    )


def check_space(
    parameters: Sequence[Parameter], conditionals: Sequence[Conditional], constraints: Sequence[LinearConstraint]
) -> None:
    """Refuse parameters, conditionals and constraints that are wrong by themselves or do not go together."""
    check_parameters(parameters, conditionals)
    check_conditionals(parameters, conditionals)
    check_constraints(constraints, parameters)


def _check_budget(parsed: ExperimentBody) -> None:
    """Hold the two names of a budget apart: runs are counted by `budget`, observations by `observation_budget`."""
    if parsed.runs_only and parsed.observation_budget is not None:
        refuse(".observation_budget", "observation_budget is not a valid field with runs_only: it is called budget")
    if not parsed.runs_only and parsed.budget is not None:
        refuse(".budget", "budget is not a valid field. It is for experiments with runs_only: see observation_budget")


def check_solutions(definition: Definition, num_solutions: int | None, budget: int | None) -> None:
    """Refuse to look for several solutions where the answer is a set anyway, or where the budget can't give them."""
    if num_solutions is None or num_solutions == 1:
        return
    optimized = sum(metric.strategy == "optimize" for metric in definition.metrics)
    if optimized != 1:
        words = "needs exactly one optimized metric: with several, the Pareto front is the answer; with none, all that"
        refuse(".num_solutions", f"num_solutions above 1 {words} meets the constraints; got {optimized}")
    if budget is not None and budget < num_solutions:
        words = f"observation_budget must be greater than or equal to num_solutions: got {budget} for {num_solutions}"
        refuse(".observation_budget", words)


def check_metadata(metadata: Mapping[str, Any] | None) -> None:
    """Refuse keys and texts that are too long."""
    for key, value in (metadata or {}).items():
        if len(key) > 100:
            refuse(".metadata", f"The length of .metadata key {key[:20]!r}… must be less than or equal to 100")
        if isinstance(value, str) and len(value) > 500:
            refuse(f".metadata.{key}", f"The length of .metadata.{key} must be less than or equal to 500")
