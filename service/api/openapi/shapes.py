"""The small words that JSON Schemas of replies are made of; each leaf brings the example that replies show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = [
    "ID",
    "NUMBER",
    "TIME",
    "TRUTH",
    "WHOLE",
    "Schema",
    "at_times",
    "example_of",
    "list_of",
    "map_of",
    "nullable",
    "one_of",
    "paged",
    "ref",
    "some",
    "text",
    "thing",
]

Schema = dict[str, Any]

#: Where a key stands only at times: the mark is taken out when the object is made.
_AT_TIMES: Final = "x-at-times"
_PREFIX: Final = "#/components/schemas/"


def text(example: str, description: str = "", **more: Any) -> Schema:
    """A string."""
    return _said({"type": "string", "examples": [example], **more}, description)


def some(kind: str, example: Any, description: str = "", **more: Any) -> Schema:
    """A value of a JSON type."""
    return _said({"type": kind, "examples": [example], **more}, description)


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema


ID: Final = text("12", "Digits.", pattern="^[0-9]+$")
TIME: Final = some("integer", 1790000000, "Seconds since 1970.")
TRUTH: Final = some("boolean", False)
NUMBER: Final = some("number", 0.913)
WHOLE: Final = some("integer", 7)


def ref(name: str) -> Schema:
    """Another of the components."""
    return {"$ref": _PREFIX + name}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def at_times(schema: Schema) -> Schema:
    """A key that is not always there."""
    return {**schema, _AT_TIMES: True}


def one_of(*values: str, description: str = "") -> Schema:
    """One of these words."""
    return _said({"type": "string", "enum": list(values), "examples": [values[0]]}, description)


def list_of(schema: Schema, description: str = "", **more: Any) -> Schema:
    """A list."""
    return _said({"type": "array", "items": schema, **more}, description)


def map_of(schema: Schema, name: str, description: str = "") -> Schema:
    """An object with names of the caller's; `name` is the one that the example has."""
    return _said({"type": "object", "additionalProperties": schema, "x-name": name}, description)


def thing(kind: str | None, description: str, /, **keys: Schema) -> Schema:
    """An object of ours; `kind` is what it says of itself in `object`."""
    named = {"object": {"type": "string", "const": kind, "examples": [kind]}} if kind else {}
    shown = {**named, **keys}
    return {
        "type": "object",
        "description": description,
        "properties": {name: {k: v for k, v in part.items() if k != _AT_TIMES} for name, part in shown.items()},
        "required": [name for name, part in shown.items() if _AT_TIMES not in part],
    }


def paged(item: str) -> Schema:
    """A page of a list."""
    return thing(
        "pagination",
        "One page of a list.",
        data=list_of(ref(item)),
        count=some("integer", 1, "How many there are in all, not on this page."),
        paging=ref("paging"),
        defined_fields=at_times(list_of(ref("field"), "What the list can be sorted and filtered by.")),
    )


def example_of(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> Any:
    """Return an example of what a schema describes, made of the examples of its leaves."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].removeprefix(_PREFIX)], components)
    if "examples" in schema:
        return schema["examples"][0]
    for choices in ("anyOf", "oneOf"):
        if choices in schema:
            return example_of(schema[choices][0], components)
    match schema.get("type"):
        case "array":
            return [example_of(schema["items"], components)] if "items" in schema else []
        case "object":
            return _example_object(schema, components)
        case _:
            return schema.get("const")


def _example_object(schema: Mapping[str, Any], components: Mapping[str, Schema]) -> dict[str, Any]:
    required = schema.get("required", ())
    shown = {
        name: example_of(part, components) for name, part in schema.get("properties", {}).items() if name in required
    }
    if isinstance(schema.get("additionalProperties"), dict) and "x-name" in schema:
        shown[schema["x-name"]] = example_of(schema["additionalProperties"], components)
    return shown
