"""One trial result as it is sent: checked here, so that a mistake shows where it was made and not in a dead letter.

The form is docs/contracts/result-message.schema.json; the stream and the HTTP API take the same one.
"""

from __future__ import annotations

import json
import numbers
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol, SupportsFloat

from tradespace._ids import new_result_id
from tradespace.errors import InvalidInputError

__all__ = [
    "Assignments",
    "HasId",
    "Identified",
    "Metadata",
    "Result",
    "Values",
    "as_json",
    "checked_assignments",
    "id_of",
]

#: The longest result the service takes, in bytes of JSON.
MAX_BYTES: Final = 256 * 1024
#: Characters of a result id, of a name (metric, parameter, key of metadata) and of a text in metadata.
MAX_RESULT_ID: Final = 128
MAX_NAME: Final = 100
MAX_TEXT: Final = 500
#: Entries of metadata.
MAX_METADATA: Final = 100
#: No measured value is further from zero: beyond it, squares and products of values overflow.
LARGEST_NUMBER: Final = 1e100
FINITE: Final = "a finite number"
FINITE_OR_PAIR: Final = "a finite number or (value, stddev)"
NOT_NEGATIVE: Final = "a finite number, not below zero"


class HasId(Protocol):
    """What carries the id the service gave it: an `Experiment`, a `Suggestion`."""

    @property
    def id(self) -> str:
        """The id: digits."""
        ...


Identified = str | int | HasId
Values = Mapping[str, SupportsFloat | tuple[SupportsFloat, SupportsFloat | None]]
Assignments = Mapping[str, str | SupportsFloat]
Metadata = Mapping[str, str | SupportsFloat | None]


@dataclass(frozen=True)
class Result:
    """What was measured in one trial, or that it failed.

    `values` maps each metric to its value, or to `(value, standard deviation)`. Say which configuration was measured by
    `suggestion` (the service proposed it) or by `assignments` (you chose it), never both.

    >>> result = Result(12, {"accuracy": 0.91, "latency_ms": (12.4, 0.3)}, suggestion=7, result_id="run-5")
    >>> result.message()["values"][1]
    {'name': 'latency_ms', 'value': 12.4, 'value_stddev': 0.3}
    >>> Result(12, {"accuracy": float("nan")}, suggestion=7)
    Traceback (most recent call last):
    tradespace.errors.InvalidInputError: values.accuracy: expected a finite number or (value, stddev), got nan
    """

    experiment: Identified
    values: Values | None = None
    _: KW_ONLY
    suggestion: Identified | None = None
    assignments: Assignments | None = None
    failed: bool = False
    metadata: Metadata | None = None
    result_id: str = field(default_factory=new_result_id)
    data: bytes = field(init=False, repr=False, compare=False)  # the message as it is sent

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", as_json(self.message()))

    def message(self) -> dict[str, Any]:
        """Return the message of the stream: `body`, the experiment and the result id."""
        identity = {"experiment": id_of(self.experiment, "experiment"), "result_id": _result_id(self.result_id)}
        return {**identity, **self.body()}

    def body(self) -> dict[str, Any]:
        """Return the body of POST /v1/experiments/ID/observations, whose result id is the header `Idempotency-Key`."""
        body = {**self._configuration(), **self._outcome()}
        return body if self.metadata is None else {**body, "metadata": checked_metadata(self.metadata)}

    def _configuration(self) -> dict[str, Any]:
        if (self.suggestion is None) == (self.assignments is None):
            found = "neither" if self.suggestion is None else "both"
            raise InvalidInputError("suggestion, assignments", "one of the two", found)
        if self.suggestion is not None:
            return {"suggestion": id_of(self.suggestion, "suggestion")}
        return {"assignments": checked_assignments(self.assignments)}

    def _outcome(self) -> dict[str, Any]:
        if not isinstance(self.failed, bool):
            raise _wrong("failed", "True or False", self.failed)
        if self.failed and self.values:
            raise InvalidInputError("values", "none, since the trial failed", _shown(self.values))
        if self.failed:
            return {"failed": True}
        if not isinstance(self.values, Mapping) or not self.values:
            raise _wrong("values", "a mapping of each metric to its value, or failed=True", self.values)
        return {"values": [_evaluation(name, value) for name, value in self.values.items()]}


def id_of(thing: Identified, name: str) -> str:
    """Return the id of `thing`: an object of the service, its id as text or as a number.

    >>> id_of(12, "experiment"), id_of("12", "experiment")
    ('12', '12')
    """
    given = getattr(thing, "id", thing)
    text = str(given) if isinstance(given, (int, str)) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) > 0):
        raise _wrong(name, "an id: digits, as the service gave it", given)
    return text


def checked_assignments(assignments: Any) -> dict[str, str | float]:
    """Return `assignments` as plain texts and numbers."""
    if not isinstance(assignments, Mapping) or not assignments:
        raise _wrong("assignments", "a mapping of each parameter to its value", assignments)
    return {_name(name, "assignments"): _assignment(name, value) for name, value in assignments.items()}


def as_json(message: Mapping[str, Any], *, limit: int = MAX_BYTES) -> bytes:
    """Return `message` as JSON in UTF-8.

    >>> as_json({"accuracy": 0.91})
    b'{"accuracy":0.91}'
    """
    try:
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            "message", "what JSON can hold: texts, finite numbers, lists, objects", str(error)
        ) from error
    if len(text) > limit:
        raise InvalidInputError("message", f"at most {limit} bytes of JSON", f"{len(text)}")
    return text.encode("ascii")


def _assignment(name: str, value: Any) -> str | float:
    path = f"assignments.{name}"
    return _text(value, path) if isinstance(value, str) else _number(value, path, "a text or a finite number")


def _evaluation(name: Any, value: Any) -> dict[str, Any]:
    path = f"values.{_name(name, 'values')}"
    if not isinstance(value, tuple):
        return {"name": name, "value": _number(value, path, FINITE_OR_PAIR)}
    if len(value) != 2:
        raise _wrong(path, FINITE_OR_PAIR, value)
    evaluation = {"name": name, "value": _number(value[0], path)}
    if value[1] is not None:
        evaluation["value_stddev"] = _number(value[1], f"{path}.stddev", NOT_NEGATIVE)
        if evaluation["value_stddev"] < 0:
            raise _wrong(f"{path}.stddev", NOT_NEGATIVE, value[1])
    return evaluation


def checked_metadata(metadata: Any) -> dict[str, Any]:
    """Return `metadata` as plain texts and numbers."""
    if not isinstance(metadata, Mapping) or len(metadata) > MAX_METADATA:
        raise _wrong("metadata", f"a mapping of at most {MAX_METADATA} names to texts and numbers", metadata)
    return {_name(key, "metadata"): _metadatum(f"metadata.{key}", value) for key, value in metadata.items()}


def _metadatum(path: str, value: Any) -> str | float | None:
    if value is None:
        return None
    return _text(value, path, MAX_TEXT) if isinstance(value, str) else _number(value, path, "a text, a number or None")


def _number(value: Any, path: str, expected: str = FINITE) -> int | float:
    """Return `value` as a plain number; numpy's scalars, fractions and decimals are numbers, truth values are not."""
    if isinstance(value, bool) or not isinstance(value, (numbers.Real, Decimal)):
        raise _wrong(path, expected, value)
    if isinstance(value, numbers.Integral) and abs(int(value)) < 2**63:
        return int(value)
    try:
        number = float(value)
    except (OverflowError, ValueError) as error:
        raise _wrong(path, expected, value) from error
    if not abs(number) <= LARGEST_NUMBER:  # false for NaN, too
        raise _wrong(path, expected, value)
    return number


def _result_id(value: Any) -> str:
    text = _text(value, "result_id", MAX_RESULT_ID)
    if not text or not text.isprintable():
        raise _wrong("result_id", f"1 to {MAX_RESULT_ID} printable characters", value)
    return text


def _name(name: Any, where: str) -> str:
    text = _text(name, f"a name in {where}", MAX_NAME)
    if not text:
        raise _wrong(f"a name in {where}", f"1 to {MAX_NAME} characters", name)
    return text


def _text(value: Any, path: str, longest: int | None = None) -> str:
    """Return `value` if it is text that every store can hold: no NUL character, no half of a surrogate pair."""
    if not isinstance(value, str):
        raise _wrong(path, "a text", value)
    if not value.isprintable() and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise _wrong(path, "a text without NUL characters and lone surrogates", value)
    if longest is not None and len(value) > longest:
        raise _wrong(path, f"a text of at most {longest} characters", value)
    return value


def _wrong(path: str, expected: str, found: Any) -> InvalidInputError:
    return InvalidInputError(path, expected, _shown(found))


def _shown(found: Any) -> str:
    """Return how `found` looks, short enough for one line, with its type where the look does not tell."""
    text = repr(found)
    text = text if len(text) <= 80 else f"{text[:77]}..."
    return (
        text
        if found is None or isinstance(found, (str, int, float, tuple, dict))
        else f"{text} ({type(found).__name__})"
    )
