"""Strict JSON, and refusals that name the field, what was there and what was expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import InvalidInputError, did_you_mean

__all__ = [
    "LARGEST_ID",
    "LARGEST_NUMBER",
    "Name",
    "Number",
    "Strict",
    "Tagged",
    "check_unique",
    "named",
    "parse_id",
    "parse_json_object",
    "parse_model",
    "refuse",
    "shorten",
]

#: The largest id a database column can hold.
LARGEST_ID: Final = 2**63 - 1
#: Beyond this, squares and products of measured values overflow.
LARGEST_NUMBER: Final = 1e100
_DEEPEST: Final = 20
#: What a number looks like that may be beyond a double.
_HUGE: Final = re.compile(r"[eE]\+?\d{3}|\d{200}")

Model = TypeVar("Model", bound=BaseModel)
#: A number with which sums and products can be taken.
Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Strict(BaseModel):
    """A body: no unknown keys, no quiet conversion (true is not 1, "3" is not 3), no NaN or infinity."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Tagged(Strict):
    """What a reply marks with `object`; sent back unchanged it is tolerated."""

    object: str | None = Field(default=None, exclude=True)


def named(value: Any) -> Any:
    """Take `"x"` for `{"name": "x"}`."""
    return {"name": value} if isinstance(value, str) else value


def refuse(field: str, message: str) -> NoReturn:
    """Raise `InvalidInputError` for a field."""
    raise InvalidInputError(message, field=field)


def check_unique(names: Iterable[str], field: str, what: str) -> None:
    """Refuse a name that stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            refuse(field, f"Duplicate {what}: {name} stands twice in {field}")
        seen.add(name)


def parse_json_object(text: bytes | str, *, what: str = "Request body") -> dict[str, Any]:
    """Read a JSON object; refuse what JSON does not have and what a database cannot keep.

    >>> parse_json_object('{"a": NaN}')
    Traceback (most recent call last):
    ...
    service.errors.InvalidInputError: NaN is not JSON: expected a finite number
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(decoded, object_pairs_hook=_no_duplicates, parse_constant=_no_constant) if decoded else {}
    except InvalidInputError:
        raise
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{what} is not UTF-8: byte {error.start} is wrong", expected="UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        message = f"Malformed json in {what[:1].lower()}{what[1:]}. Invalid json: {error}"
        raise InvalidInputError(message, expected="a JSON object") from error
    if not isinstance(value, dict):
        raise InvalidInputError(f"{what} must be a JSON object, not {shorten(value)}", expected="a JSON object")
    if not _is_plain(decoded):
        _refuse_unstorable(value, "", 0)
    return value


def _is_plain(text: str) -> bool:
    """Whether nothing that JSON `text` says can be unstorable, which is so of nearly all of them.

    Cheaper than to look: only ASCII, no character by its number, few brackets, no number with a large exponent.
    """
    return (
        text.isascii()
        and "\\u" not in text
        and text.count("{") + text.count("[") <= _DEEPEST
        and _HUGE.search(text) is None
    )


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise InvalidInputError(f"Duplicate key value in JSON document: {key}", field=f".{key}")
        out[key] = value
    return out


def _no_constant(name: str) -> float:
    raise InvalidInputError(f"{name} is not JSON: expected a finite number", expected="a finite number")


def _refuse_unstorable(value: Any, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidInputError(f"{path} is nested deeper than {_DEEPEST} levels", field=path)
    if isinstance(value, str):
        _refuse_unstorable_text(value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_unstorable_text(key, f"{path}.{key}")
            _refuse_unstorable(item, f"{path}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_unstorable(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise InvalidInputError(f"{path} is too large: expected a finite number", field=path)


def _refuse_unstorable_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise InvalidInputError(f"{path!a} has a NUL character: expected text without one", field=path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{path!a} has half a surrogate pair: expected Unicode text", field=path) from error


def parse_model(model: type[Model], value: Mapping[str, Any]) -> Model:
    """Read `value` as `model`; raise `InvalidInputError` in the words of the API for the first thing that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _explain(error, model, value) from error


def parse_id(value: Any, field: str) -> int:
    """Read an id: a positive whole number, as a number or as its digits.

    >>> parse_id("12", ".experiment"), parse_id(12, ".experiment")
    (12, 12)
    """
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    plain = isinstance(digits, str) and digits.isascii() and digits.isdigit() and len(digits) < 20
    if not plain or not 0 < int(digits) <= LARGEST_ID:
        raise InvalidInputError(f"{field} is not an id: {shorten(value)}, expected digits", field=field)
    return int(digits)


def shorten(value: Any, limit: int = 120) -> str:
    """Return `value` as JSON, cut to a length that fits into a message."""
    text = json.dumps(value, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _explain(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any]) -> InvalidInputError:
    errors = [_Fault(fault, given) for fault in error.errors(include_url=False)]
    first = errors[0]
    alike = [fault for fault in errors if fault.type == first.type and fault.loc[:-1] == first.loc[:-1]]
    path = _path(first.loc)
    if first.type == "extra_forbidden":
        message = _unknown(alike, model, given)
    elif first.type in _KINDS:
        message = _wrong_type(path, [fault for fault in errors if fault.loc == first.loc])
    else:
        message = _WORDS.get(first.type, _in_general)(path, first.told)
    return InvalidInputError(message, field=path, expected=first.told["msg"])


class _Fault:
    """A fault as pydantic tells it, and where it lies in what was given."""

    def __init__(self, told: Any, given: Mapping[str, Any]) -> None:
        self.told, self.type = told, str(told["type"])
        self.loc: tuple[int | str, ...] = told["loc"]
        if self.loc[-1] in _BRANCHES and not _is_key(given, self.loc):
            self.loc = self.loc[:-1]


#: What pydantic calls the kinds that a value may have, where it may have several.
_BRANCHES: Final = frozenset(("bool", "float", "int", "none", "str"))


def _is_key(given: Any, loc: Sequence[int | str]) -> bool:
    """Whether a path leads to something that is there."""
    *_, parent = _along(given, loc[:-1])
    return isinstance(parent, Mapping) and loc[-1] in parent


def _along(given: Any, loc: Sequence[int | str]) -> list[Any]:
    """Return what lies along a path, as far as it can be followed."""
    found = [given]
    for part in loc:
        try:
            found.append(found[-1][part])
        except (LookupError, TypeError):
            found.append(None)
    return found


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _missing(path: str, first: Any) -> str:
    return f'Missing required json key "{path.rpartition(".")[2]}" in: {shorten(first["input"])}'


def _unknown(faults: Sequence[_Fault], model: type[BaseModel], given: Mapping[str, Any]) -> str:
    loc = faults[0].loc
    names = ", ".join(f"`{fault.loc[-1]}`" for fault in faults)
    hint = did_you_mean(str(loc[-1]), model.model_fields) if len(loc) == 1 else ""
    *_, where = _along(given, loc[:-1])
    return f"Unknown json keys {names} in: {shorten(where)}{hint}"


def _wrong_type(path: str, faults: Sequence[_Fault]) -> str:
    kinds = list(dict.fromkeys(_KINDS[fault.type] for fault in faults if fault.type in _KINDS))
    named = ", ".join(kind for kind in kinds if kind != "integer" or "number" not in kinds)
    return f"Invalid type for {path}: {shorten(faults[0].told['input'])} - expected type {named}"


def _not_allowed(path: str, first: Any) -> str:
    allowed = first["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
    return f"{shorten(first['input'])} is not one of the allowed values: {allowed} ({path})"


def _out_of_bounds(path: str, first: Any) -> str:
    name, words = _BOUNDS[first["type"]]
    return f"{path} must be {words} {first['ctx'][name]}, got {shorten(first['input'])}"


def _length(path: str, first: Any) -> str:
    longest = first["ctx"].get("max_length")
    limit = first["ctx"]["min_length"] if longest is None else longest
    if isinstance(first["input"], Mapping):
        return (
            f"Expected at {'least' if longest is None else 'most'} {limit} keys in {shorten(first['input'])} ({path})"
        )
    words = "greater" if longest is None else "less"
    return f"The length of {path} must be {words} than or equal to {limit}, got {shorten(first['input'])}"


def _no_match(path: str, first: Any) -> str:
    return f"{shorten(first['input'])} does not match the regular expression /{first['ctx']['pattern']}/ ({path})"


def _in_general(path: str, first: Any) -> str:
    return f"{path}: {first['msg'].removeprefix('Value error, ')}, got {shorten(first['input'])}"


_KINDS: Final = {
    "float_type": "number",
    "int_type": "integer",
    "string_type": "string",
    "list_type": "array",
    "tuple_type": "array",
    "dict_type": "object",
    "model_type": "object",
    "model_attributes_type": "object",
    "bool_type": "boolean",
    "finite_number": "finite number",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "greater than or equal to"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "less than or equal to"),
}
_LENGTHS: Final = ("string_too_short", "string_too_long", "too_short", "too_long")
_WORDS: Final[Mapping[str, Callable[[str, Any], str]]] = {
    "missing": _missing,
    "literal_error": _not_allowed,
    "string_pattern_mismatch": _no_match,
    **dict.fromkeys(_BOUNDS, _out_of_bounds),
    **dict.fromkeys(_LENGTHS, _length),
}
