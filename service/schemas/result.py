"""A trial result from either door, held against its experiment (second stop of a result's journey).

A message says which experiment it is for, so it is read in two steps: `parse_message` takes it apart without knowing
anything; `check_result` holds it against the experiment's definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from service.db import strict_json
from service.errors import InvalidInputError, did_you_mean
from service.schemas.assignments import Assignments, check_assignments
from service.schemas.experiment import Definition
from service.schemas.fields import parse_id, parse_json_object, shorten
from service.schemas.values import Value, complete, of_document, of_flat

__all__ = [
    "LARGEST_MESSAGE",
    "Message",
    "Result",
    "Value",
    "check_metadata",
    "check_result",
    "check_result_id",
    "parse_document",
    "parse_message",
]

#: Bytes of one message; a result is a handful of numbers.
LARGEST_MESSAGE: Final = 256 * 1024
_LONGEST_RESULT_ID: Final = 128
_DOCUMENT: Final = frozenset(
    ("experiment", "suggestion", "assignments", "values", "failed", "metadata", "result_id", "schema_version")
)
_FLAT: Final = frozenset(("experiment", "suggestion", "assignments", "failed", "metadata", "result_id"))


@dataclass(frozen=True)
class Message:
    """A result message taken apart. `flat` holds the fields whose meaning the experiment decides."""

    experiment_id: int
    suggestion_id: int | None
    assignments: Any
    values: Any
    failed: bool
    metadata: Any
    result_id: str
    flat: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A checked result: either of a suggestion or of a configuration the producer chose."""

    experiment_id: int
    suggestion_id: int | None
    assignments: Assignments | None
    values: tuple[Value, ...]
    failed: bool
    metadata: dict[str, Any] | None
    result_id: str

    @property
    def payload_hash(self) -> str:
        """The same for the same payload: tells a resent result from another one with the same id."""
        values = [[value.name, value.value, value.stddev] for value in self.values]
        payload = [self.suggestion_id, self.assignments, values, self.failed, self.metadata]
        return blake2b(strict_json(payload).encode(), digest_size=16).hexdigest()


def parse_message(fields: Mapping[bytes, bytes], *, message_id: str) -> Message:
    """Take a stream message apart: one field `data` with JSON, or flat fields as a shell writes them.

    >>> parse_message({b"experiment": b"12", b"suggestion": b"7", b"accuracy": b"0.9"}, message_id="1-0").flat
    {'accuracy': '0.9'}
    """
    if sum(len(name) + len(value) for name, value in fields.items()) > LARGEST_MESSAGE:
        raise InvalidInputError(f"the message is larger than {LARGEST_MESSAGE} bytes", field=".data")
    if set(fields) == {b"data"}:
        return parse_document(parse_json_object(fields[b"data"], what="The field data"), result_id=message_id)
    flat = {
        _text(name, "a field's name"): _text(value, _text(name, "a field's name")) for name, value in fields.items()
    }
    return _parse_flat(flat, message_id)


def parse_document(document: Mapping[str, Any], *, result_id: str) -> Message:
    """Take a result document apart: the field `data` of a stream message, or the arguments of a Celery message."""
    for name in document:
        if name not in _DOCUMENT:
            raise InvalidInputError(f"unknown field {name!r}{did_you_mean(name, _DOCUMENT)}", field=f".{name}")
    if document.get("schema_version", 1) != 1:
        version = shorten(document["schema_version"])
        raise InvalidInputError(f"schema_version {version} is not known here; expected 1", field=".schema_version")
    failed = document.get("failed", False)
    if not isinstance(failed, bool):
        raise InvalidInputError(f"failed must be true or false, got {shorten(failed)}", field=".failed")
    return Message(
        experiment_id=_experiment(document),
        suggestion_id=_suggestion(document),
        assignments=document.get("assignments"),
        values=document.get("values"),
        failed=failed,
        metadata=document.get("metadata"),
        result_id=_result_id(document.get("result_id"), result_id),
    )


def _parse_flat(flat: dict[str, str], message_id: str) -> Message:
    failed = flat.get("failed", "false").lower()
    if failed not in _BOOLEANS:
        raise InvalidInputError(f"failed must be true or false, got {flat['failed']!r}", field=".failed")
    return Message(
        experiment_id=_experiment(flat),
        suggestion_id=_suggestion(flat),
        assignments=_json_field(flat, "assignments"),
        values=None,
        failed=_BOOLEANS[failed],
        metadata=_json_field(flat, "metadata"),
        result_id=_result_id(flat.get("result_id"), message_id),
        flat={name: value for name, value in flat.items() if name not in _FLAT},
    )


_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def _text(value: bytes, name: str) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{name} is not UTF-8 text", field=f".{name}") from error
    if "\x00" in text:
        raise InvalidInputError(f"{name!a} has a NUL character: expected text without one", field=f".{name}")
    return text


def _json_field(flat: Mapping[str, str], name: str) -> Any:
    return parse_json_object(flat[name], what=f"The field {name}") if name in flat else None


def _experiment(given: Mapping[str, Any]) -> int:
    if given.get("experiment") is None:
        raise InvalidInputError("the field 'experiment' is missing: expected the experiment's id", field=".experiment")
    return parse_id(given["experiment"], ".experiment")


def _suggestion(given: Mapping[str, Any]) -> int | None:
    value = given.get("suggestion")
    return None if value is None else parse_id(value, ".suggestion")


def _result_id(given: Any, otherwise: str) -> str:
    return otherwise if given is None else check_result_id(given, ".result_id")


def check_result_id(given: Any, field_name: str) -> str:
    """Return the id that a producer gave its result, if it can be one."""
    if not isinstance(given, str) or not 0 < len(given) <= _LONGEST_RESULT_ID or not given.isprintable():
        what = field_name.removeprefix(".")
        message = f"{what} must be text of 1 to {_LONGEST_RESULT_ID} printable characters, got {shorten(given)}"
        raise InvalidInputError(message, field=field_name)
    return given


def check_result(message: Message, definition: Definition) -> Result:
    """Hold a message against its experiment. Raise `InvalidInputError` for the first thing that is wrong."""
    if message.flat:
        flat_assignments, values = of_flat(message.flat, definition)
        assignments = {**(message.assignments or {}), **flat_assignments} or None
    else:
        assignments, values = message.assignments, of_document(message.values, definition)
    if (assignments is None) == (message.suggestion_id is None):
        what = "neither is there" if assignments is None else "both are there"
        raise InvalidInputError(f"expected either a suggestion or assignments: {what}", field=".suggestion")
    return Result(
        experiment_id=message.experiment_id,
        suggestion_id=message.suggestion_id,
        assignments=None if assignments is None else check_assignments(definition, assignments),
        values=complete(values, message.failed, definition),
        failed=message.failed,
        metadata=check_metadata(message.metadata),
        result_id=message.result_id,
    )


def check_metadata(metadata: Any) -> dict[str, Any] | None:
    """Return metadata without its nulls: up to 100 keys with text or numbers."""
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping) or len(metadata) > 100:
        raise InvalidInputError("metadata must be an object of at most 100 keys", field=".metadata")
    for key, value in metadata.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            message = f"metadata.{key} must be text, a number or null, got {shorten(value)}"
            raise InvalidInputError(message, field=f".metadata.{key}")
    return {key: value for key, value in metadata.items() if value is not None}
