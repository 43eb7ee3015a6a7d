"""A training run as its reporter describes it: what may be said, and how a later saying changes an earlier one.

Runs are told bit by bit, often by several processes at once. So there are two ways to say more: `replaced` puts what is
named in the place of what was there, `merged` adds to it, key by key, and null takes a key away.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, PlainValidator, StringConstraints

from service.errors import InvalidInputError
from service.schemas.fields import LARGEST_NUMBER, Strict, Tagged, parse_model, refuse, shorten

__all__ = [
    "DOCUMENT",
    "LONGEST_LOG",
    "MOST_AT_ONCE",
    "OPTIMIZED",
    "RunBody",
    "State",
    "checked",
    "merged",
    "parse_batch",
    "parse_new_run",
    "parse_run",
    "replaced",
]

State = Literal["active", "completed", "failed"]

#: The source of assignments that a suggestion made; nobody else may claim it.
OPTIMIZED: Final = "SigOpt"
#: Characters of one log that are kept; the client sends 1024 with a notice of about 100.
LONGEST_LOG: Final = 1024 + 100
LONGEST_SOURCE: Final = 30
#: Runs of one request.
MOST_AT_ONCE: Final = 10_000
LONGEST_TEXT: Final = 500
#: People put their parameters into it; SigOpt set no limit.
LONGEST_NAME: Final = 1000
#: What a run accumulates -> how many keys it may have.
DOCUMENT: Final[Mapping[str, int]] = {
    "assignments": 1000,
    "assignments_meta": 1000,
    "assignments_sources": 1000,
    "datasets": 1000,
    "dev_metadata": 1000,
    "logs": 1000,
    "metadata": 1000,
    "model": 1,
    "source_code": 2,
    "sys_metadata": 1,
    "values": 1000,
}

_Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)]
_Key = Annotated[str, Field(min_length=1, max_length=100)]
_Source = Annotated[str, Field(min_length=1, max_length=LONGEST_SOURCE)]


def _scalar(value: Any) -> Any:
    is_text = isinstance(value, str) and len(value) <= LONGEST_TEXT
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER
    if value is None or is_text or is_number:
        return value
    raise ValueError(f"expected a number, null, or text of at most {LONGEST_TEXT} characters")


_Scalars = dict[_Key, Annotated[Any, PlainValidator(_scalar)]]


class _Log(Tagged):
    content: str


class _Dataset(Tagged):
    """Only its name counts: what people say of it is passed over, as SigOpt did."""

    model_config = ConfigDict(extra="ignore")


class _Model(Tagged):
    type: Annotated[str, Field(max_length=1000)] | None = None


class _SourceCode(Tagged):
    content: str | None = None
    hash: Annotated[str, Field(max_length=1000)] | None = None


class _Value(Tagged):
    name: str | None = Field(default=None, exclude=True)
    value: _Number
    value_stddev: Annotated[_Number, Field(ge=0)] | None = None


class _Meta(Tagged):
    source: _Source


class _SourceMeta(Tagged):
    sort: int | _Number
    default_show: bool


class _FeatureImportances(Tagged):
    type: _Key | None = None
    scores: Annotated[dict[_Key, _Number], Field(max_length=50)] | None = None


class _SysMetadata(Tagged):
    feature_importances: _FeatureImportances | None = None


class RunBody(Strict):
    """What a request says of a run. Only what is named counts (`model_fields_set`)."""

    name: _Name | None = None
    state: State | None = None
    project: str | None = None
    deleted: bool | None = None
    favorite: bool | None = None
    assignments: _Scalars | None = None
    assignments_meta: dict[_Key, _Meta | None] | None = None
    assignments_sources: dict[_Source, _SourceMeta | None] | None = None
    datasets: dict[_Key, _Dataset | None] | None = None
    dev_metadata: _Scalars | None = None
    logs: dict[_Key, _Log | None] | None = None
    metadata: _Scalars | None = None
    model: _Model | None = None
    source_code: _SourceCode | None = None
    sys_metadata: _SysMetadata | None = None
    values: dict[_Key, _Value | None] | None = None

    def said(self) -> dict[str, Any]:
        """Return what was named of the document, as plain JSON; a null means that it is to go."""
        said = self.model_dump(include=self.model_fields_set & DOCUMENT.keys(), exclude_unset=True)
        for log in (said.get("logs") or {}).values():
            if log is not None:
                log["content"] = log["content"][:LONGEST_LOG]
        return said

    @cached_property
    def document(self) -> dict[str, Any]:
        """What a new run has said, checked as a whole."""
        said = self.said()
        return checked(replaced({}, said), said)


def parse_run(body: Mapping[str, Any]) -> RunBody:
    """Read what changes a run. Its name, state and project can be changed, not taken away."""
    parsed = parse_model(RunBody, body)
    for name in ("name", "state", "project"):
        if name in body and body[name] is None:
            raise InvalidInputError(f"Cannot remove {name} from a run", field=f".{name}", expected="another value")
    sources = {meta.source for meta in (parsed.assignments_meta or {}).values() if meta is not None}
    if OPTIMIZED in sources:
        refuse(".assignments_meta", f"The source {OPTIMIZED} is reserved: the server sets it itself")
    return parsed


def parse_new_run(body: Mapping[str, Any]) -> RunBody:
    """Read what makes a run: it needs a name, and its project is the one of the path."""
    if "project" in body:
        refuse(".project", "`project` is not a valid JSON key for this endpoint: it stands in the path")
    if "name" not in body:
        raise InvalidInputError('Missing required json key "name"', field=".name", expected="a name")
    return parse_run(body)


def parse_batch(given: Any) -> list[RunBody]:
    """Read many new runs; what is wrong with one says which one."""
    if not isinstance(given, list):
        refuse(".runs", f"Invalid type for .runs: {shorten(given)} - expected type array")
    if len(given) > MOST_AT_ONCE:
        message = f"The number of runs needs to be less than or equal to {MOST_AT_ONCE}, got {len(given)}"
        raise InvalidInputError(message, field=".runs", expected=f"at most {MOST_AT_ONCE} runs")
    return [_of_batch(item, index, len(given)) for index, item in enumerate(given)]


def _of_batch(item: Any, index: int, size: int) -> RunBody:
    where = f".runs[{index}]"
    if not isinstance(item, Mapping):
        refuse(where, f"Invalid type for {where}: {shorten(item)} - expected type object")
    try:
        parsed = parse_new_run(item)
        parsed.document  # noqa: B018 made, and refused, before anything is locked
        return parsed
    except InvalidInputError as error:
        message = f"Error in run {index + 1}/{size}: {error.message}"
        raise InvalidInputError(message, **{**error.facts, "field": f"{where}{error.facts['field']}"}) from error


def replaced(document: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Put each part that is named in the place of the old one.

    >>> replaced({"metadata": {"a": 1}, "logs": {}}, {"metadata": {"b": 2, "c": None}})
    {'metadata': {'b': 2}, 'logs': {}}
    """
    return _without_nulls({**document, **said})


def merged(document: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Add to each part that is named, key by key; a key's newer value takes the place of the older one.

    >>> merged({"metadata": {"a": 1, "b": 2}}, {"metadata": {"b": None, "c": 3}})
    {'metadata': {'a': 1, 'c': 3}}
    """
    out = dict(document)
    for name, part in said.items():
        out[name] = None if part is None else {**document.get(name, {}), **part}
    return _without_nulls(out)


def _without_nulls(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(item) if isinstance(item, Mapping) else item
        for key, item in value.items()
        if item is not None
    }


def checked(document: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Hold the whole of a run, as it is after `said`, against the rules between its parts.

    What describes an assignment that has gone goes with it; what describes one that never was is refused.
    """
    assignments, described = document.get("assignments", {}), document.get("assignments_meta", {})
    for name, most in DOCUMENT.items():
        if len(document.get(name, {})) > most:
            refuse(f".{name}", f"Expected at most {most} keys in {name}, the run would have {len(document[name])}")
    for name in said.get("assignments_meta") or {}:
        if name in described and name not in assignments:
            message = f"assignments_meta describes `{name}`, and there is no such assignment"
            raise InvalidInputError(message, field=f".assignments_meta.{name}", expected="a name of assignments")
    kept = {name: meta for name, meta in described.items() if name in assignments}
    return {**document, "assignments_meta": kept} if described else dict(document)
