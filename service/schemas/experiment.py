"""What an experiment may be: parameters, conditionals, linear constraints, metrics, and the rules between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from service.errors import InvalidInputError, did_you_mean
from service.schemas.fields import LARGEST_NUMBER, Strict, parse_model, shorten

__all__ = [
    "MOST_METRICS",
    "Bounds",
    "CategoricalValue",
    "Conditional",
    "Count",
    "Definition",
    "ExperimentBody",
    "LinearConstraint",
    "Metadata",
    "Metric",
    "Name",
    "Parameter",
    "check_metadata",
    "check_metrics",
    "named",
    "parse_experiment",
]

MOST_PARAMETERS: Final = 100
MOST_METRICS: Final = 50
MOST_OPTIMIZED: Final = 16
NARROWEST: Final = 1e-8

Name = Annotated[str, Field(min_length=1, max_length=100)]
Count = Annotated[int, Field(gt=0, lt=2**31)]
Metadata = Annotated[dict[str, str | float | int | None], Field(max_length=100)]


def named(value: Any) -> Any:
    """Take `"x"` for `{"name": "x"}`."""
    return {"name": value} if isinstance(value, str) else value


def _list_of_text(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class _Tagged(Strict):
    """What a reply marks with `object`; sent back unchanged it is tolerated."""

    object: str | None = Field(default=None, exclude=True)


class Bounds(_Tagged):
    """The range of a number, both ends included."""

    min: float
    max: float


class CategoricalValue(_Tagged):
    """One of the values of a categorical parameter."""

    name: Annotated[str, Field(min_length=1, max_length=50)]
    enum_index: int | None = None


class Prior(_Tagged):
    """What is believed of a parameter beforehand: normal (mean, scale) or beta (shape_a, shape_b) over its bounds."""

    name: Literal["normal", "beta"]
    mean: float | None = None
    scale: Annotated[float, Field(gt=0)] | None = None
    shape_a: Annotated[float, Field(gt=0)] | None = None
    shape_b: Annotated[float, Field(gt=0)] | None = None


class Parameter(_Tagged):
    """Something that can be set."""

    name: Name
    type: Literal["double", "int", "categorical"]
    bounds: Bounds | None = None
    categorical_values: list[Annotated[CategoricalValue, BeforeValidator(named)]] | None = None
    grid: list[float] | None = None
    transformation: Literal["none", "log"] | None = None
    prior: Prior | None = None
    conditions: dict[str, Annotated[list[str], BeforeValidator(_list_of_text)]] = Field(default_factory=dict)
    default_value: float | str | None = None

    @property
    def is_log(self) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return self.transformation == "log"

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of a categorical parameter's values."""
        return tuple(value.name for value in self.categorical_values or ())


class Conditional(_Tagged):
    """A choice that decides which other parameters matter."""

    name: Name
    values: Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(min_length=2)]


class ConstraintTerm(_Tagged):
    """One summand of a linear constraint."""

    name: Name
    weight: float


class LinearConstraint(_Tagged):
    """The sum of weight * parameter is at least, or at most, the threshold."""

    type: Literal["greater_than", "less_than"]
    terms: Annotated[list[ConstraintTerm], Field(min_length=1)]
    threshold: float


class Metric(_Tagged):
    """Something that is measured. `threshold` is the worst acceptable value, itself included."""

    name: Annotated[str, Field(max_length=100)] | None = None
    objective: Literal["maximize", "minimize"] = "maximize"
    strategy: Literal["optimize", "constraint", "store"] = "optimize"
    threshold: Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)] | None = None


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

    @cached_property
    def metric_by_name(self) -> Mapping[str, Metric]:
        """The metrics by their names; a single metric without a name is called ''."""
        return {metric.name or "": metric for metric in self.metrics}

    @cached_property
    def parameter_by_name(self) -> Mapping[str, Parameter]:
        """The parameters by their names."""
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def conditional_by_name(self) -> Mapping[str, Conditional]:
        """The conditionals by their names."""
        return {conditional.name: conditional for conditional in self.conditionals}

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        """Return the four documents that are stored."""
        return {
            "parameters": [parameter.model_dump(exclude_none=False) for parameter in self.parameters],
            "conditionals": [conditional.model_dump() for conditional in self.conditionals],
            "linear_constraints": [constraint.model_dump() for constraint in self.linear_constraints],
            "metrics": [metric.model_dump() for metric in self.metrics],
        }

    @classmethod
    def of(cls, row: Any) -> Definition:
        """Read the definition that an experiment's row holds."""
        names = ("parameters", "conditionals", "linear_constraints", "metrics")
        return cls.model_validate({name: getattr(row, name) for name in names}, strict=False)


def parse_experiment(body: Mapping[str, Any]) -> tuple[ExperimentBody, Definition]:
    """Read and check a body that creates an experiment. Raise `InvalidInputError` for the first thing that is wrong."""
    parsed = parse_model(ExperimentBody, _without_neutral(body))
    conditionals, constraints = parsed.conditionals or [], parsed.linear_constraints or []
    check_metadata(parsed.metadata)
    metrics = [Metric()] if parsed.metrics is None else parsed.metrics
    check_metrics(metrics)
    _check_conditionals(conditionals)
    _check_parameters(parsed.parameters, conditionals)
    for index, constraint in enumerate(constraints):
        _check_constraint(constraint, parsed.parameters, f".linear_constraints[{index}]")
    definition = Definition(
        parameters=tuple(sorted((_numbered(p) for p in parsed.parameters), key=lambda p: p.name)),
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


def _numbered(parameter: Parameter) -> Parameter:
    """Give the categorical values their numbers, from 1, in the order they were given."""
    if parameter.categorical_values is None:
        return parameter
    values = [CategoricalValue(name=v.name, enum_index=i) for i, v in enumerate(parameter.categorical_values, 1)]
    return parameter.model_copy(update={"categorical_values": values})


def _refuse(field: str, message: str) -> None:
    raise InvalidInputError(message, field=field)


def _check_unique(names: Iterable[str], field: str, what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            _refuse(field, f"Duplicate {what}: `{name}` stands twice in {field}")
        seen.add(name)


def check_metadata(metadata: Mapping[str, Any] | None) -> None:
    """Refuse keys and texts that are too long."""
    for key, value in (metadata or {}).items():
        if len(key) > 100:
            _refuse(".metadata", f"The length of .metadata key {key[:20]!r}… must be less than or equal to 100")
        if isinstance(value, str) and len(value) > 500:
            _refuse(f".metadata.{key}", f"The length of .metadata.{key} must be less than or equal to 500")


def check_metrics(metrics: Sequence[Metric]) -> None:
    """Refuse metrics that do not go together, or thresholds where there must or can't be one."""
    if not metrics:
        _refuse(".metrics", "The `metrics` list must contain a metric")
    if len(metrics) > 1 and not all(metric.name for metric in metrics):
        _refuse(".metrics", "A metric without a name must be the only one: give every metric a name")
    _check_unique((metric.name or "" for metric in metrics), ".metrics", "metric")
    if all(metric.strategy == "store" for metric in metrics):
        _refuse(".metrics", "At least one metric must have strategy `optimize` or `constraint`")
    if sum(metric.strategy == "optimize" for metric in metrics) > MOST_OPTIMIZED:
        _refuse(".metrics", f"At most {MOST_OPTIMIZED} metrics can be optimized")
    for index, metric in enumerate(metrics):
        if metric.strategy == "constraint" and metric.threshold is None:
            _refuse(f".metrics[{index}].threshold", f"Constraint metric `{metric.name}` needs a threshold")
        if metric.strategy == "store" and metric.threshold is not None:
            _refuse(f".metrics[{index}].threshold", f"Stored metric `{metric.name}` can't have a threshold")


def _check_conditionals(conditionals: Sequence[Conditional]) -> None:
    _check_unique((conditional.name for conditional in conditionals), ".conditionals", "conditional")
    for index, conditional in enumerate(conditionals):
        _check_unique(conditional.values, f".conditionals[{index}].values", "value")


def _check_parameters(parameters: Sequence[Parameter], conditionals: Sequence[Conditional]) -> None:
    names = [parameter.name for parameter in parameters] + [conditional.name for conditional in conditionals]
    _check_unique(names, ".parameters", "name")
    for index, parameter in enumerate(parameters):
        field = f".parameters[{index}]"
        check = _check_categorical if parameter.type == "categorical" else _check_numeric
        check(parameter, field)
        _check_conditions(parameter, conditionals, field)


def _check_categorical(parameter: Parameter, field: str) -> None:
    for name in ("bounds", "grid", "transformation", "prior"):
        if getattr(parameter, name) is not None:
            _refuse(f"{field}.{name}", f"Categorical parameter `{parameter.name}` can't have {name}")
    if len(parameter.choices) < 2:
        _refuse(f"{field}.categorical_values", f"Parameter `{parameter.name}` needs at least 2 categorical_values")
    _check_unique(parameter.choices, f"{field}.categorical_values", "value")


def _check_numeric(parameter: Parameter, field: str) -> None:
    if parameter.categorical_values is not None:
        _refuse(f"{field}.categorical_values", f"{parameter.type} parameter `{parameter.name}` can't have them")
    if parameter.grid is not None:
        _check_grid(parameter, parameter.grid, field)
    else:
        _check_bounds(parameter, field)
    _check_prior(parameter, field)


def _check_bounds(parameter: Parameter, field: str) -> None:
    bounds = parameter.bounds
    if bounds is None:
        raise InvalidInputError(f"Parameter `{parameter.name}` needs bounds (or a grid)", field=f"{field}.bounds")
    if not bounds.max - bounds.min >= (1 if parameter.type == "int" else NARROWEST):
        _refuse(f"{field}.bounds", f"{field}.bounds.max must be greater than .min: got {bounds.min} to {bounds.max}")
    if not math.isfinite(bounds.max - bounds.min):
        _refuse(f"{field}.bounds", f"{field}.bounds are too far apart: got {bounds.min} to {bounds.max}")
    if parameter.type == "int" and not (_is_whole(bounds.min) and _is_whole(bounds.max)):
        _refuse(f"{field}.bounds", f"The bounds of int parameter `{parameter.name}` must be whole numbers below 2**53")
    if parameter.is_log and bounds.min <= 0:
        _refuse(f"{field}.bounds.min", f"Log parameter `{parameter.name}` needs a positive min, got {bounds.min}")


def _is_whole(value: float) -> bool:
    return value == int(value) and abs(value) <= 2**53


def _check_grid(parameter: Parameter, grid: Sequence[float], field: str) -> None:
    if parameter.bounds is not None or parameter.prior is not None:
        _refuse(f"{field}.grid", f"Parameter `{parameter.name}` has a grid, so it can't have bounds or a prior")
    if len(set(grid)) != len(grid) or len(grid) < 2:
        _refuse(f"{field}.grid", f"The grid of `{parameter.name}` needs at least 2 values, each once")
    if parameter.type == "int" and not all(_is_whole(value) for value in grid):
        _refuse(f"{field}.grid", f"The grid of int parameter `{parameter.name}` must hold whole numbers")
    if parameter.is_log and min(grid) <= 0:
        _refuse(f"{field}.grid", f"The grid of log parameter `{parameter.name}` must be positive")


_PRIOR_NEEDS: Final = {"normal": ("mean", "scale"), "beta": ("shape_a", "shape_b")}


def _check_prior(parameter: Parameter, field: str) -> None:
    prior, bounds = parameter.prior, parameter.bounds
    if prior is None or bounds is None:
        return
    if parameter.type != "double" or parameter.is_log:
        _refuse(f"{field}.prior", f"Only a double parameter without transformation can have a prior: {parameter.name}")
    for name in _PRIOR_NEEDS[prior.name]:
        if getattr(prior, name) is None:
            _refuse(f"{field}.prior.{name}", f"A {prior.name} prior needs {name}")
    if prior.mean is not None and not bounds.min <= prior.mean <= bounds.max:
        _refuse(f"{field}.prior.mean", f"The prior's mean {prior.mean} lies outside the bounds of `{parameter.name}`")


def _check_conditions(parameter: Parameter, conditionals: Sequence[Conditional], field: str) -> None:
    known = {conditional.name: conditional.values for conditional in conditionals}
    for name, values in parameter.conditions.items():
        if name not in known:
            hint = did_you_mean(name, known)
            _refuse(f"{field}.conditions.{name}", f"`{parameter.name}` depends on unknown conditional `{name}`{hint}")
        if not values:
            _refuse(f"{field}.conditions.{name}", f"`{parameter.name}` names no value of `{name}`")
        for value in values:
            if value not in known[name]:
                hint = did_you_mean(value, known[name])
                _refuse(f"{field}.conditions.{name}", f"`{value}` is not a value of conditional `{name}`{hint}")


def _check_constraint(constraint: LinearConstraint, parameters: Sequence[Parameter], field: str) -> None:
    known = {parameter.name: parameter for parameter in parameters}
    _check_unique((term.name for term in constraint.terms), f"{field}.terms", "term")
    for term in constraint.terms:
        parameter = known.get(term.name)
        if parameter is None:
            raise InvalidInputError(
                f"Linear constraint on unknown parameter `{term.name}`{did_you_mean(term.name, known)}",
                field=f"{field}.terms",
            )
        if parameter.type == "categorical" or parameter.conditions:
            _refuse(f"{field}.terms", f"`{term.name}` must be a number that always exists to stand in a constraint")
    most = sum(_largest_term(known[term.name], term, constraint.type) for term in constraint.terms)
    reachable = most > constraint.threshold if constraint.type == "greater_than" else most < constraint.threshold
    if not reachable:
        _refuse(f"{field}.threshold", f"No configuration meets {field}: the sum reaches only {most}")


def _largest_term(parameter: Parameter, term: ConstraintTerm, kind: str) -> float:
    """Return what this term can add at the best: the largest for greater_than, the smallest for less_than."""
    if parameter.bounds is not None:
        ends = [parameter.bounds.min * term.weight, parameter.bounds.max * term.weight]
    else:
        ends = [value * term.weight for value in parameter.grid or ()]
    return max(ends) if kind == "greater_than" else min(ends)
