"""A trial result from either door, held against its experiment (second stop of a result's journey).

A message says which experiment it is for, so it is read in two steps: `parse_message` takes it apart without knowing
anything; `check_result` holds it against the experiment's definition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from service.db import strict_json
from service.errors import InvalidInputError, did_you_mean
from service.schemas.assignments import Assignments, check_assignments
from service.schemas.experiment import Definition
from service.schemas.fields import parse_id, parse_json_object, shorten
from service.schemas.tasks import parse_task
from service.schemas.values import Value, complete, of_document, of_flat

__all__ = [
    "LARGEST_MESSAGE",
    "Message",
    "Result",
    "Value",
    "check_metadata",
    "check_place",
    "check_result",
    "check_result_id",
    "check_task",
    "lacks",
    "parse_document",
    "parse_message",
    "truth",
]

#: Bytes of one message; a result is a handful of numbers.
LARGEST_MESSAGE: Final = 256 * 1024
_LONGEST_RESULT_ID: Final = 128
_FLAT: Final = frozenset(
    ("experiment", "suggestion", "assignments", "task", "failed", "partial", "metadata", "result_id")
)
_DOCUMENT: Final = frozenset((*_FLAT, "values", "schema_version"))


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
    task: Any = None
    partial: bool = False
    flat: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A checked result: either of a suggestion or of a configuration the producer chose.

    A partial one lacks some metrics, which may come later. The task of a suggestion's result is the suggestion's.
    Where `is_new` its id was made just now, so it cannot have come before.
    """

    experiment_id: int
    suggestion_id: int | None
    assignments: Assignments | None
    values: tuple[Value, ...]
    failed: bool
    metadata: dict[str, Any] | None
    result_id: str
    task: str | None = None
    partial: bool = False
    is_new: bool = False

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The values as they are stored and shown."""
        return [{"name": v.name, "value": v.value, "value_stddev": v.stddev} for v in self.values]

    @property
    def payload_hash(self) -> str:
        """The same for the same payload: tells a resent result from another one with the same id."""
        values = [[value.name, value.value, value.stddev] for value in self.values]
        payload: list[Any] = [self.suggestion_id, self.assignments, values, self.failed, self.metadata]
        if self.task is not None or self.partial:  # what has neither keeps the hash that it always had
            payload += [self.task, self.partial]
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
    return Message(
        experiment_id=_experiment(document),
        suggestion_id=_suggestion(document),
        assignments=document.get("assignments"),
        values=document.get("values"),
        failed=truth(document, "failed"),
        metadata=document.get("metadata"),
        result_id=_result_id(document.get("result_id"), result_id),
        task=document.get("task"),
        partial=truth(document, "partial"),
    )


def truth(document: Mapping[str, Any], name: str) -> bool:
    """Read a field that is true or false; one that is missing or null is false."""
    value = document.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidInputError(f"{name} must be true or false, got {shorten(value)}", field=f".{name}")
    return value


def _parse_flat(flat: dict[str, str], message_id: str) -> Message:
    return Message(
        experiment_id=_experiment(flat),
        suggestion_id=_suggestion(flat),
        assignments=_json_field(flat, "assignments"),
        values=None,
        failed=_flat_truth(flat, "failed"),
        metadata=_json_field(flat, "metadata"),
        result_id=_result_id(flat.get("result_id"), message_id),
        task=flat.get("task"),
        partial=_flat_truth(flat, "partial"),
        flat={name: value for name, value in flat.items() if name not in _FLAT},
    )


_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def _flat_truth(flat: Mapping[str, str], name: str) -> bool:
    text = flat.get(name, "false").lower()
    if text not in _BOOLEANS:
        raise InvalidInputError(f"{name} must be true or false, got {flat[name]!r}", field=f".{name}")
    return _BOOLEANS[text]


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
    check_place(message.suggestion_id, assignments)
    checked = complete(values, definition, failed=message.failed, partial=message.partial)
    return Result(
        experiment_id=message.experiment_id,
        suggestion_id=message.suggestion_id,
        assignments=None if assignments is None else check_assignments(definition, assignments),
        values=checked,
        failed=message.failed,
        metadata=check_metadata(message.metadata),
        result_id=message.result_id,
        task=check_task(message.task, definition, is_suggested=message.suggestion_id is not None),
        partial=message.partial and lacks(checked, definition, failed=message.failed),
    )


def check_place(suggestion_id: int | None, assignments: Any) -> None:
    """Refuse a result of both a suggestion and a configuration of one's own, or of neither."""
    if (assignments is None) == (suggestion_id is None):
        what = "neither is there" if assignments is None else "both are there"
        raise InvalidInputError(f"expected either a suggestion or assignments: {what}", field=".suggestion")


def check_task(given: Any, definition: Definition, *, is_suggested: bool) -> str | None:
    """Return the task of a result: that of its suggestion, or named beside the assignments."""
    if is_suggested:
        if given is not None:
            message = "the task of a suggestion's result is the suggestion's: expected no task"
            raise InvalidInputError(message, field=".task", expected="nothing")
        return None
    task = parse_task(given, definition.task_by_name)
    if task is None and definition.tasks:
        known = ", ".join(definition.task_by_name)
        message = f"this experiment has tasks: expected `task` beside assignments, one of {known}"
        raise InvalidInputError(message, field=".task", expected=known)
    return task


def lacks(values: Sequence[Value], definition: Definition, *, failed: bool) -> bool:
    """Whether some metric is not there yet."""
    return not failed and len(values) < len(definition.reported)


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
