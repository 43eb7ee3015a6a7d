"""How the parameters of an experiment may change while it runs: the whole new list against what there was.

What is left out retires, with all that is known of it; what is new or comes back needs a default_value, which results
from before are given. Bounds, grids, categories, priors and defaults may change; what a parameter is may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from service.errors import InvalidInputError
from service.schemas.experiment import Definition, check_space
from service.schemas.fields import Strict, parse_model, refuse, shorten
from service.schemas.parameters import MOST_PARAMETERS, CategoricalValue, Parameter, normal

__all__ = ["ParameterChange", "changed_parameters"]

Document = dict[str, Any]


@dataclass(frozen=True)
class ParameterChange:
    """The new parameters; `retired` as the experiment's row keeps them; those of them that are new or came back."""

    parameters: tuple[Parameter, ...]
    retired: list[Document]
    added: tuple[Parameter, ...]


class _List(Strict):
    parameters: Annotated[list[Parameter], Field(min_length=1, max_length=MOST_PARAMETERS)]


def changed_parameters(definition: Definition, retired: Sequence[Document], given: Any) -> ParameterChange:
    """Read and check the new list. Raise `InvalidInputError` for the first thing that is wrong.

    `retired` holds what was taken away before, by name: parameters as they were, and under `categories` the values that
    a categorical one had; of one that is still there only those.
    """
    present = {parameter.name: parameter.model_dump() for parameter in definition.parameters}
    gone = {item["name"]: _without_categories(item) for item in retired if "type" in item}
    known = {**gone, **present}
    merged = [_merged(item, known, f".parameters[{index}]") for index, item in enumerate(_as_list(given))]
    parsed = parse_model(_List, {"parameters": merged}).parameters
    for index, parameter in enumerate(parsed):
        _check_kind(parameter, known.get(parameter.name), f".parameters[{index}]")
        if parameter.name not in present and parameter.default_value is None:
            words = f"Parameter `{parameter.name}` is new here, so it needs a default_value, which earlier results get"
            refuse(f".parameters[{index}].default_value", words)
    check_space(parsed, definition.conditionals, definition.linear_constraints)
    numbered = [_numbered(normal(parameter), known.get(parameter.name), retired) for parameter in parsed]
    parameters = tuple(sorted(numbered, key=lambda parameter: parameter.name))
    return ParameterChange(
        parameters=parameters,
        retired=_retired(known, retired, parameters),
        added=tuple(parameter for parameter in parameters if parameter.name not in present),
    )


def _without_categories(item: Document) -> Document:
    return {name: value for name, value in item.items() if name != "categories"}


def _as_list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise InvalidInputError(
            f"Invalid type for .parameters: {shorten(given)} - expected type array", field=".parameters"
        )
    return given


def _merged(given: Any, known: Mapping[str, Document], field: str) -> Any:
    """Lay what is given over what there was: what is not named stays, null clears."""
    if not isinstance(given, Mapping):
        message = f"Invalid type for {field}: {shorten(given)} - expected type object"
        raise InvalidInputError(message, field=field)
    name = given.get("name")
    before = known.get(name) if isinstance(name, str) else None
    return dict(given) if before is None else {**before, **_without_derived(given, before)}


def _without_derived(given: Mapping[str, Any], before: Document) -> Document:
    """Leave out what a reply derived from what there was: the bounds of a grid, the categories as a grid."""
    left = dict(given)
    grid, bounds = before["grid"], given.get("bounds")
    if (
        grid is not None
        and isinstance(bounds, Mapping)
        and (bounds.get("min"), bounds.get("max")) == (grid[0], grid[-1])
    ):
        del left["bounds"]
    names = [value["name"] for value in before["categorical_values"] or ()]
    if names and given.get("grid") == names:
        del left["grid"]
    return left


#: What a parameter is, and stays.
_FIXED: Final = ("type", "transformation", "conditions")


def _check_kind(parameter: Parameter, before: Document | None, field: str) -> None:
    if before is None:
        return
    old = Parameter.model_validate(before)
    for name in _FIXED:
        was, is_ = _comparable(getattr(old, name)), _comparable(getattr(parameter, name))
        if was != is_:
            words = f"{field}.{name} can't be changed: it is {shorten(getattr(old, name) or 'none')}"
            refuse(f"{field}.{name}", f"{words}, got {shorten(getattr(parameter, name) or 'none')}")


def _comparable(value: Any) -> Any:
    return {name: sorted(values) for name, values in value.items()} if isinstance(value, Mapping) else value


def _numbered(parameter: Parameter, before: Document | None, retired: Sequence[Document]) -> Parameter:
    """Keep the numbers that categories have, or had before they were taken away; new ones go on from the highest."""
    if parameter.categorical_values is None or before is None:
        return parameter
    hidden = [value for item in retired if item["name"] == parameter.name for value in item.get("categories", ())]
    numbers = {value["name"]: value["enum_index"] for value in (*hidden, *before["categorical_values"])}
    values = []
    for value in parameter.categorical_values:
        number = numbers.setdefault(value.name, max(numbers.values()) + 1)
        values.append(CategoricalValue(name=value.name, enum_index=number))
    return parameter.model_copy(update={"categorical_values": values})


def _retired(
    known: Mapping[str, Document], retired: Sequence[Document], parameters: Sequence[Parameter]
) -> list[Document]:
    """Return what is gone now: whole parameters, and categories of those that are there or were."""
    present = {parameter.name: parameter for parameter in parameters}
    hidden = {item["name"]: item.get("categories", []) for item in retired}
    gone: list[Document] = []
    for name, before in sorted(known.items()):
        had = {value["name"]: value for value in [*hidden.get(name, []), *(before["categorical_values"] or [])]}
        there = present[name].choices if name in present else Parameter.model_validate(before).choices
        categories = [value for value in had.values() if value["name"] not in there]
        whole = {} if name in present else before
        if whole or categories:
            gone.append({"name": name, **whole, **({"categories": categories} if categories else {})})
    return gone
