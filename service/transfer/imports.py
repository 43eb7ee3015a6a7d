"""In: our own JSON becomes a new experiment. The file is read twice: once to check all of it, once to store it.

What the file calls by an id gets a new one here. Observations and suggestions keep their times and result ids; the
experiment itself is made now. Results of a configuration that the experiment could not have today (its parameters were
changed since) are held against what the file says was taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, BinaryIO, Final, Literal, TypeVar

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service import experiments, observations
from service.errors import InvalidInputError, ServiceError
from service.models import Experiment, Observation, Suggestion
from service.schemas import fields
from service.schemas.assignments import assignments_key, check_assignments
from service.schemas.experiment import Definition, parse_experiment
from service.schemas.past import check_retired, definition_then
from service.schemas.result import Result, check_metadata, check_result, parse_document
from service.schemas.tasks import parse_task
from service.transfer import document, runs
from service.transfer.reading import pieces

__all__ = ["Import", "Incoming", "Step", "batches", "store_results"]

#: Rows of one transaction: SQLite's other writers wait for it.
BATCH: Final = 500
#: Stands for the experiment's id while a file is checked, before there is one.
_NOT_YET: Final = 1
_COUNTED: Final = ("suggestions", "observations", "runs")
_LISTS: Final = ("suggestions", "observations", "tags", "runs")
_KEYS: Final = ("format", "version", "exported", "experiment", *_LISTS)

#: A part of the work, for one transaction.
Step = Callable[[Session, datetime], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Incoming:
    """A result on its way in, with its time of then."""

    result: Result
    created_at: datetime | None


class _Suggestion(fields.Strict):
    """A suggestion of the file."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    state: Literal["queued", "open", "closed", "expired"]
    assignments: dict[str, Any]
    task: Annotated[str, Field(max_length=100)] | None = None
    source: Annotated[str, Field(min_length=1, max_length=32)] = "explicit"
    strategy: Annotated[str, Field(max_length=32)] | None = None
    reason: Annotated[str, Field(max_length=2000)] | None = None
    predicted: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    created: Any = None
    claimed: Any = None
    closed: Any = None


@dataclass
class _File:
    """What is known of the file as it is read: the experiment stands before what is measured in it."""

    instead: Mapping[str, str | None] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    definition: Definition | None = None
    retired: list[dict[str, Any]] = field(default_factory=list)
    state: str = "active"
    suggestions: dict[str, int] = field(default_factory=dict)
    result_ids: set[str] = field(default_factory=set)
    runs: runs.Known = field(default_factory=runs.Known)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))

    @property
    def known(self) -> Definition:
        """The definition, which `check` sees to before anything is held against it."""
        if self.definition is None:
            raise RuntimeError("the definition has not been read")
        return self.definition

    def then(self, assignments: Any) -> Definition:
        """The definition as it was when these assignments were made."""
        return definition_then(self.known, self.retired, assignments)


class Import:
    """One import. `check` it, then run its `steps` one after the other, each in a transaction.

    `experiment_id` is there after the first step, `counts` after the check.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        client_id: int,
        name: str | None = None,
        project: str | None = None,
        development: bool = False,
    ) -> None:
        self._file = file
        self._client_id = client_id
        self._development = development
        self._read = _File({"name": name, "project": project})
        self._tags: dict[str, int] = {}
        self._ids: dict[str, int] = {}
        self.experiment_id: int | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        """How many suggestions, observations and runs the file has."""
        return self._read.counts

    def check(self) -> None:
        """Hold all of the file against the rules. Raise `InvalidInputError` that names the first item that is wrong."""
        self._file.seek(0)
        read = self._read
        for key, value in pieces(self._file):
            if key not in _KEYS:
                message = f"Unknown json keys `{key}` in the file"
                raise InvalidInputError(message, field=f".{key}", expected=", ".join(_KEYS))
            if key in _LISTS and read.definition is None:
                message = "the key `experiment`, an object, has to come before what was measured"
                raise InvalidInputError(message, field=".experiment", expected="an object")
            _CHECKS.get(key, _nothing)(read, value)
        if read.body is None:
            raise InvalidInputError("the key `experiment` is missing: is this an export?", field=".experiment")

    def steps(self) -> Iterator[Step]:
        """Yield what is to be done."""
        yield self._begin
        for batch in batches(self._items("suggestions")):
            yield lambda session, now, batch=batch: self._add_suggestions(session, batch, now)  # type: ignore[misc]
        for batch in batches(self._items("observations")):
            yield lambda session, now, batch=batch: self._add_observations(session, batch, now)  # type: ignore[misc]
        if self._read.runs.colors:
            yield self._add_tags
        for batch in batches(self._items("runs")):
            yield lambda session, now, batch=batch: self._add_runs(session, batch, now)  # type: ignore[misc]
        if self._read.state == "deleted":
            yield self._delete

    def _items(self, name: str) -> Iterator[Any]:
        self._file.seek(0)
        return (value for key, value in pieces(self._file) if key == name)

    def _begin(self, session: Session, now: datetime) -> None:
        body = self._read.body or {}
        with _Naming(".experiment"):
            row = experiments.create(session, body, client_id=self._client_id, now=now, development=self._development)
        row.retired = self._read.retired
        self.experiment_id = row.id

    def _delete(self, session: Session, now: datetime) -> None:
        experiments.delete(session, session.get_one(Experiment, self.experiment_id), now=now)

    def _add_suggestions(self, session: Session, batch: Iterable[Any], now: datetime) -> None:
        given = [fields.parse_model(_Suggestion, item) for item in batch]
        rows = [self._suggestion_row(item, now) for item in given]
        made = session.scalars(sa.insert(Suggestion).returning(Suggestion.id, sort_by_parameter_order=True), rows)
        self._ids.update(zip((item.id for item in given), made, strict=True))

    def _suggestion_row(self, item: _Suggestion, now: datetime) -> dict[str, Any]:
        assignments = check_assignments(self._read.then(item.assignments), item.assignments)
        claimed_at = document.read_time(item.claimed, ".claimed")
        return {
            "experiment_id": self.experiment_id,
            "state": item.state,
            "key": assignments_key(assignments, item.task),
            "assignments": assignments,
            "task": item.task,
            "source": item.source,
            "strategy": item.strategy,
            "reason": item.reason,
            "predicted": item.predicted,
            "meta": check_metadata(item.metadata),
            "created_at": document.read_time(item.created, ".created") or now,
            "claimed_at": claimed_at or (None if item.state == "queued" else now),
            "closed_at": document.read_time(item.closed, ".closed") or (now if item.state == "closed" else None),
        }

    def _add_observations(self, session: Session, batch: Iterable[Any], now: datetime) -> None:
        incoming = [_incoming(self._read.then, item, self._ids, self.experiment_id or _NOT_YET) for item in batch]
        store_results(session, incoming, now=now)

    def _add_tags(self, session: Session, now: datetime) -> None:
        self._tags = runs.add_tags(session, self._read.runs, client_id=self._client_id, now=now)

    def _add_runs(self, session: Session, batch: list[Any], now: datetime) -> None:
        experiment = session.get_one(Experiment, self.experiment_id)
        runs.add_runs(session, experiment, batch, suggestions=self._ids, tags=self._tags, now=now)


def store_results(session: Session, incoming: list[Incoming], *, now: datetime) -> int:
    """Store results of one experiment with their times, each once; return how many are new."""
    outcomes = observations.store(session, [item.result for item in incoming], source="import", now=now)
    for outcome in outcomes:
        if isinstance(outcome, observations.Refused):
            raise outcome.error
    times = [
        {"id": outcome.observation_id, "created_at": item.created_at}
        for item, outcome in zip(incoming, outcomes, strict=True)
        if isinstance(outcome, observations.Stored) and item.created_at is not None
    ]
    if times:
        session.execute(sa.update(Observation), times)
    return sum(isinstance(outcome, observations.Stored) for outcome in outcomes)


# -- checking --------------------------------------------------------------------------------------------------------


def _nothing(_read: _File, _value: Any) -> None:
    """Take a key that decides nothing."""


def _check_format(_read: _File, value: Any) -> None:
    if value != document.FORMAT:
        message = f"format {fields.shorten(value)} is not known here: expected {document.FORMAT!r}"
        raise InvalidInputError(message, field=".format", expected=document.FORMAT)


def _check_version(_read: _File, value: Any) -> None:
    if value != document.VERSION:
        message = f"version {fields.shorten(value)} is not known here: expected {document.VERSION}"
        raise InvalidInputError(message, field=".version", expected=str(document.VERSION))


def _check_experiment(read: _File, value: Any) -> None:
    with _Naming(".experiment"):
        if not isinstance(value, dict):
            raise InvalidInputError("expected an object", field="")
        body = {key: item for key, item in value.items() if key not in ("state", "created", "retired")}
        read.state = value.get("state", "active")
        if read.state not in ("active", "deleted"):
            raise InvalidInputError(f"state {fields.shorten(read.state)}: expected active or deleted", field=".state")
        read.body = body | {key: item for key, item in read.instead.items() if item is not None}
        read.definition = parse_experiment(read.body)[1]
        read.retired = check_retired(value.get("retired") or [])


def _check_suggestion(read: _File, value: Any) -> None:
    index = read.counts["suggestions"]
    read.counts["suggestions"] += 1
    with _Naming(f".suggestions[{index}]"):
        item = fields.parse_model(_Suggestion, _object(value))
        check_assignments(read.then(item.assignments), item.assignments)
        parse_task(item.task, read.known.task_by_name)
        check_metadata(item.metadata)
        for name in ("created", "claimed", "closed"):
            document.read_time(getattr(item, name), f".{name}")
        if item.id in read.suggestions:
            raise InvalidInputError(f"id {item.id!r} stands twice", field=".id")
        read.suggestions[item.id] = _NOT_YET


def _check_observation(read: _File, value: Any) -> None:
    index = read.counts["observations"]
    read.counts["observations"] += 1
    with _Naming(f".observations[{index}]"):
        incoming = _incoming(read.then, value, read.suggestions, _NOT_YET)
        if incoming.result.result_id in read.result_ids:
            message = f"result_id {incoming.result.result_id!r} stands twice"
            raise InvalidInputError(message, field=".result_id")
        read.result_ids.add(incoming.result.result_id)


def _check_tag(read: _File, value: Any) -> None:
    with _Naming(f".tags[{len(read.runs.colors)}]"):
        runs.check_tag_of_file(_object(value), read.runs)


def _check_run(read: _File, value: Any) -> None:
    index = read.counts["runs"]
    read.counts["runs"] += 1
    if not (read.body or {}).get("runs_only"):
        raise InvalidInputError("only an experiment with runs_only has runs", field=".runs", expected="no runs")
    with _Naming(f".runs[{index}]"):
        runs.check_run(_object(value), read.runs, suggestions=read.suggestions, result_ids=read.result_ids)


def _incoming(
    then: Callable[[Any], Definition], value: Any, suggestions: Mapping[str, int], experiment_id: int
) -> Incoming:
    """Take one observation of the file apart, by the rules of every result."""
    given = dict(_object(value))
    created_at = document.read_time(given.pop("created", None), ".created")
    if given.get("suggestion") is not None:
        if not isinstance(given["suggestion"], str) or given["suggestion"] not in suggestions:
            named = fields.shorten(given["suggestion"])
            raise InvalidInputError(f"suggestion {named} is not one of the file's", field=".suggestion")
        given["suggestion"] = suggestions[given["suggestion"]]
    if not isinstance(given.get("result_id"), str):
        raise InvalidInputError("the key `result_id` is missing: expected text", field=".result_id")
    message = parse_document({**given, "experiment": experiment_id}, result_id=given["result_id"])
    return Incoming(check_result(message, then(message.assignments)), created_at)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInputError(f"Invalid type: {fields.shorten(value)} - expected type object", field="")
    return value


class _Naming:
    """Says in which item of the file something is wrong."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ServiceError):
            inner = str(error.facts.get("field", ""))
            facts = {name: fact for name, fact in error.facts.items() if name != "field"}
            raise InvalidInputError(f"{self._place}: {error.message}", field=self._place + inner, **facts) from error


_CHECKS: Final[Mapping[str, Callable[[_File, Any], None]]] = {
    "format": _check_format,
    "version": _check_version,
    "experiment": _check_experiment,
    "suggestions": _check_suggestion,
    "observations": _check_observation,
    "tags": _check_tag,
    "runs": _check_run,
}


def batches(items: Iterator[T]) -> Iterator[list[T]]:
    """Yield the items in lists of `BATCH`."""
    while batch := list(islice(items, BATCH)):
        yield batch
