"""What was searched: Optuna asks trial by trial, so the space is what all trials together asked for.

Ranges are joined. A parameter that only some trials have becomes conditional, where one choice says exactly which. What
never varied is no parameter: it is kept as the experiment's metadata.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.errors import InvalidInputError
from service.transfer.optuna.study import Distribution, Trial

__all__ = ["Space", "check_distribution", "is_number", "space_of"]

#: A grid of more steps is searched as a range.
MOST_STEPS: Final = 200
#: The largest number that a float holds.
_LARGEST: Final = sys.float_info.max


@dataclass(frozen=True)
class Dimension:
    """One parameter of Optuna's. `low` to `high` in steps of `step`, or `choices`."""

    name: str
    kind: str
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether there is nothing to choose."""
        return len(self.choices) == 1 if self.choices else self.low == self.high

    @property
    def grid(self) -> list[float] | None:
        """The values, where there are few of them in equal steps."""
        whole = self.kind == "int" and self.step == 1
        if self.step is None or whole or (self.high - self.low) / self.step > MOST_STEPS:
            return None
        count = math.floor((self.high - self.low) / self.step + 1e-8) + 1
        return [round(self.low + index * self.step, 12) for index in range(count)]

    def external(self, stored: float) -> Any:
        """Return a stored value as a result names it."""
        if self.choices:
            return self.choices[int(stored)]
        grid = self.grid
        value = stored if grid is None else min(grid, key=lambda one: abs(one - stored))
        return round(value) if self.kind == "int" else float(value)


@dataclass(frozen=True)
class Space:
    """The parameters and conditionals of an experiment, and how a trial's stored values become assignments."""

    parameters: list[dict[str, Any]]
    conditionals: list[dict[str, Any]]
    constants: Mapping[str, Any]
    dimensions: Mapping[str, Dimension]
    conditions: Mapping[str, tuple[str, frozenset[str]]]

    def assignments(self, stored: Mapping[str, float]) -> dict[str, Any] | None:
        """Return a trial's configuration; None if it lacks something."""
        given = {name: self.dimensions[name].external(value) for name, value in stored.items()}
        wanted = {name for name in self.dimensions if self._matters(name, given)}
        if not wanted <= given.keys():
            return None
        return {name: given[name] for name in wanted if name not in self.constants}

    def _matters(self, name: str, given: Mapping[str, Any]) -> bool:
        if name not in self.conditions:
            return True
        switch, values = self.conditions[name]
        return given.get(switch) in values

    def internal(self, name: str, value: Any) -> float | None:
        """Return a value that people named as Optuna stores it; None if it is none of the space's."""
        dimension = self.dimensions.get(name)
        if dimension is None:
            return None
        if dimension.choices:
            word = choice_name(value)
            return dimension.choices.index(word) if word in dimension.choices else None
        return float(value) if is_number(value) else None


def is_number(value: Any) -> bool:
    """Whether `value` is a number that can be computed with.

    >>> [is_number(value) for value in (1, 0.5, True, "1", float("nan"), 10**400)]
    [True, True, False, False, False, False]
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def check_distribution(kind: str, given: Mapping[str, Any]) -> None:
    """Raise ValueError or KeyError for what Optuna never writes; a kind that is not known here is for `space_of`."""
    if kind == "CategoricalDistribution":
        if not isinstance(given["choices"], list) or not given["choices"]:
            raise ValueError("a categorical parameter needs choices")
    elif kind in _KINDS:
        low, high, step = given["low"], given["high"], given.get("step", given.get("q"))
        if not (is_number(low) and is_number(high) and low <= high):
            raise ValueError(f"expected a range, got {low!r:.40} to {high!r:.40}")
        if step is not None and not (is_number(step) and step > 0):
            raise ValueError(f"expected a step above 0, got {step!r:.40}")


def space_of(trials: Sequence[Trial]) -> Space:
    """Return the space that `trials` searched."""
    dimensions: dict[str, Dimension] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            new = _dimension(name, distribution)
            dimensions[name] = _joined(dimensions[name], new) if name in dimensions else new
    if not dimensions:
        raise InvalidInputError("the study has no trial with parameters", expected="at least one trial")
    conditions = _conditions(trials, dimensions)
    switches = {switch for switch, _ in conditions.values()}
    constants = {name: _constant(one) for name, one in dimensions.items() if one.is_constant and name not in switches}
    return Space(
        parameters=[
            _parameter(one, conditions) for name, one in dimensions.items() if name not in {*constants, *switches}
        ],
        conditionals=[{"name": name, "values": list(dimensions[name].choices)} for name in sorted(switches)],
        constants=constants,
        dimensions=dimensions,
        conditions=conditions,
    )


def _dimension(name: str, distribution: Distribution) -> Dimension:
    kind, given = str(distribution.get("name")), distribution.get("attributes") or {}
    if kind not in _KINDS:
        message = f"parameter {name!r} has distribution {kind!r}, which is not known here"
        raise InvalidInputError(message, field=name, expected=", ".join(sorted(_KINDS)))
    return _KINDS[kind](name, given)


def _numeric(kind: str, *, log: bool = False) -> Callable[[str, Mapping[str, Any]], Dimension]:
    def make(name: str, given: Mapping[str, Any]) -> Dimension:
        step = given.get("step", given.get("q"))
        step = 1 if step is None and kind == "int" else step
        is_log = log or bool(given.get("log"))
        return Dimension(name, kind, given["low"], given["high"], None if is_log and kind == "double" else step, is_log)

    return make


def _categorical(name: str, given: Mapping[str, Any]) -> Dimension:
    choices = tuple(choice_name(choice) for choice in given["choices"])
    if len(set(choices)) != len(choices):
        message = f"parameter {name!r} has two choices that are written the same: {', '.join(choices)}"
        raise InvalidInputError(message, field=name, expected="choices that differ as text")
    return Dimension(name, "categorical", choices=choices)


#: Those of today, and those that they replaced in Optuna 3.0.
_KINDS: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Dimension]]] = {
    "FloatDistribution": _numeric("double"),
    "IntDistribution": _numeric("int"),
    "CategoricalDistribution": _categorical,
    "UniformDistribution": _numeric("double"),
    "LogUniformDistribution": _numeric("double", log=True),
    "DiscreteUniformDistribution": _numeric("double"),
    "IntUniformDistribution": _numeric("int"),
    "IntLogUniformDistribution": _numeric("int", log=True),
}


def choice_name(choice: Any) -> str:
    """Return a choice as text, as a categorical value's name.

    >>> [choice_name(choice) for choice in ("tree", True, None, 0.5)]
    ['tree', 'true', 'null', '0.5']
    """
    text = choice if isinstance(choice, str) and choice else json.dumps(choice, ensure_ascii=False)
    return text if len(text) <= 50 else f"{text[:49]}…"


def _joined(one: Dimension, other: Dimension) -> Dimension:
    """Return a dimension that has the values of both: Optuna lets ranges differ from trial to trial, not choices."""
    if one == other:
        return one
    if one.kind != other.kind or one.choices != other.choices:
        message = f"parameter {one.name!r} is not the same in all trials: {one.kind} and {other.kind}"
        raise InvalidInputError(message, field=one.name, expected="one kind of values")
    step = one.step if one.step == other.step and one.low == other.low else (1 if one.kind == "int" else None)
    return Dimension(
        one.name, one.kind, min(one.low, other.low), max(one.high, other.high), step, one.log and other.log
    )


def _conditions(trials: Sequence[Trial], dimensions: Mapping[str, Dimension]) -> dict[str, tuple[str, frozenset[str]]]:
    """Return, for each parameter that not all trials have, the choice that decides it, and its values that do."""
    asked = [trial for trial in trials if trial.params]
    always = {name for name in dimensions if all(name in trial.params for trial in asked)}
    switches = [name for name in always if len(dimensions[name].choices) > 1]
    return {name: _condition(name, asked, dimensions, switches) for name in dimensions if name not in always}


def _condition(
    name: str, trials: Sequence[Trial], dimensions: Mapping[str, Dimension], switches: Sequence[str]
) -> tuple[str, frozenset[str]]:
    for switch in sorted(switches):
        chosen = [dimensions[switch].external(trial.params[switch]) for trial in trials]
        with_it = {choice for choice, trial in zip(chosen, trials, strict=True) if name in trial.params}
        without = {choice for choice, trial in zip(chosen, trials, strict=True) if name not in trial.params}
        if not with_it & without:
            return switch, frozenset(with_it)
    message = f"parameter {name!r} is there in some trials only, and no single choice says in which"
    raise InvalidInputError(message, field=name, expected="a categorical parameter that decides it")


def _constant(one: Dimension) -> Any:
    return one.choices[0] if one.choices else one.low


def _parameter(one: Dimension, conditions: Mapping[str, tuple[str, frozenset[str]]]) -> dict[str, Any]:
    body: dict[str, Any] = {"name": one.name, "type": one.kind}
    if one.choices:
        body["categorical_values"] = list(one.choices)
    elif one.grid is not None:
        body["grid"] = one.grid
    else:
        body["bounds"] = {"min": one.low, "max": one.high}
        if one.log and one.kind == "double":
            body["transformation"] = "log"
    if one.name in conditions:
        switch, values = conditions[one.name]
        body["conditions"] = {switch: sorted(values)}
    return body
