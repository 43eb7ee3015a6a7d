"""What lists of runs can be filtered and sorted by: columns, and whatever the runs themselves say, on both databases.

A field is a column (`created`), or a member of what runs accumulate (`values.accuracy.value`, `metadata.host`), whose
name people chose. Members are numbers or text, some of either kind; a comparison is made within one kind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import InvalidInputError, did_you_mean
from service.models import Checkpoint, Project, Suggestion, TrainingRun
from service.paging import By
from service.schemas.fields import LARGEST_ID, shorten

__all__ = ["Field", "condition", "field_of"]

Clause = sa.ColumnElement[bool]
Kind = Literal["id", "time", "end", "boolean", "text", "state", "number", "scalar"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Seconds beyond which there are no dates.
_LATEST_S: Final = int((datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_EARLIEST_S: Final = int((datetime(2, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_STATES: Final = ("active", "completed", "failed")
#: Sources of suggestions that a person made, not the optimizer.
_BY_HAND: Final = ("explicit", "queue")

_COMPARE: Final[Mapping[str, Callable[[Any, Any], Clause]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
}
OPERATORS: Final = (*_COMPARE, "isnull")
_EQUALITY: Final = ("==", "!=")
#: Kind of field -> the operators that say nothing of it.
_UNFIT: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": (">=", ">", "<=", "<"),
    "state": (">=", ">", "<=", "<", "isnull"),
}


@dataclass(frozen=True)
class Field:
    """A field with what it is sorted by; rows where it `is_null` are left out of a list that is sorted by it."""

    name: str
    kind: Kind
    columns: tuple[By, ...]
    is_null: Clause


def field_of(session: Session, name: str, parameter: str) -> Field:
    """Return the field called `name`, or raise `InvalidInputError`; `parameter` is where the caller named it."""
    if name in _OWN:
        own, make = _OWN[name]
        return _own(name, own, _sorted_as_bytes(session, make()) if own == "text" else make())
    part, _, rest = name.partition(".")
    leaf, kinds = _PARTS.get(part, ("", {}))
    key, _, end = rest.rpartition(".") if leaf == "last" else (rest, "", "")
    kind = kinds.get(end if leaf == "last" else rest) or kinds.get("*")
    if kind is None or not key:
        message = f"Invalid {parameter}: {name[:60]}{did_you_mean(name, [*_OWN, *_EXAMPLES])}"
        raise InvalidInputError(message, field=parameter, expected=", ".join((*_OWN, *_EXAMPLES)))
    number, text = _member(session, part, key, end or None)
    return _OF_MEMBER[kind](name, number, text)


def _own(name: str, kind: Kind, clause: sa.ColumnElement[Any]) -> Field:
    if kind == "boolean":
        return Field(name, kind, (By(sa.case((clause, 1), else_=0), is_nullable=False),), clause.is_(None))
    return Field(name, kind, (By(clause, _SORTED_AS.get(kind, "number"), is_nullable=False),), clause.is_(None))


_SORTED_AS: Final[Mapping[str, Literal["number", "text", "time"]]] = {
    "time": "time", "end": "time", "text": "text", "state": "text",
}  # fmt: skip


def _is_optimized() -> sa.ColumnElement[Any]:
    """Whether the optimizer chose the configuration; null where there was no suggestion."""
    source = sa.select(Suggestion.source.not_in(_BY_HAND)).where(Suggestion.id == TrainingRun.suggestion_id)
    return source.correlate(TrainingRun).scalar_subquery()


def _reference() -> sa.ColumnElement[Any]:
    """What people call the run's project."""
    found = sa.select(Project.reference).where(Project.id == TrainingRun.project_id)
    return found.correlate(TrainingRun).scalar_subquery()


def _checkpoint_count() -> sa.ColumnElement[Any]:
    """How many checkpoints there are of the run; a number like those that runs name, so not a whole one."""
    count: sa.ColumnElement[Any] = sa.cast(sa.func.count(Checkpoint.id), sa.Double())
    found = sa.select(count).where(Checkpoint.training_run_id == TrainingRun.id)
    return found.correlate(TrainingRun).scalar_subquery()


def _nobody() -> sa.ColumnElement[Any]:
    return sa.null().cast(sa.BigInteger())


_OWN: Final[Mapping[str, tuple[Kind, Callable[[], sa.ColumnElement[Any]]]]] = {
    "id": ("id", lambda: TrainingRun.id.expression),
    "client": ("id", lambda: TrainingRun.client_id.expression),
    "experiment": ("id", lambda: TrainingRun.experiment_id.expression),
    "observation": ("id", lambda: TrainingRun.observation_id.expression),
    "suggestion": ("id", lambda: TrainingRun.suggestion_id.expression),
    "user": ("id", _nobody),
    "project": ("text", _reference),
    "checkpoint_count": ("number", _checkpoint_count),
    "created": ("time", lambda: TrainingRun.created_at.expression),
    "updated": ("time", lambda: TrainingRun.updated_at.expression),
    "completed": ("time", lambda: TrainingRun.completed_at.expression),
    "finished": ("end", lambda: TrainingRun.completed_at.expression),
    "deleted": ("boolean", lambda: TrainingRun.deleted.expression),
    "favorite": ("boolean", lambda: TrainingRun.favorite.expression),
    "optimized_suggestion": ("boolean", _is_optimized),
    "name": ("text", lambda: TrainingRun.name.expression),
    "state": ("state", lambda: TrainingRun.state.expression),
}
#: Part of the document -> whether its keys have a last word of their own, and of what kind what stands there is.
_PARTS: Final[Mapping[str, tuple[str, Mapping[str, Kind]]]] = {
    "assignments": ("", {"*": "scalar"}),
    "metadata": ("", {"*": "scalar"}),
    "values": ("last", {"value": "number", "value_stddev": "number"}),
    "logs": ("last", {"content": "text"}),
    "model": ("", {"type": "text"}),
    "source_code": ("", {"content": "text", "hash": "text"}),
}
_EXAMPLES: Final = (
    "assignments.KEY",
    "metadata.KEY",
    "values.KEY.value",
    "values.KEY.value_stddev",
    "logs.KEY.content",
    "model.type",
    "source_code.content",
    "source_code.hash",
)

Member = sa.ColumnElement[Any]


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _sorted_as_bytes(session: Session, text: Member) -> Member:
    """Have text sorted the same way wherever the service runs; SQLite does so anyway."""
    return text if _is_sqlite(session) else sa.collate(text, "C")


def _member(session: Session, part: str, key: str, leaf: str | None) -> tuple[Member, Member]:
    """Return what stands at `part`.`key`(.`leaf`) of a run, as a number and as text: each null if it is no such."""
    if _is_sqlite(session):
        return _member_in_sqlite(part, key, leaf)
    node = TrainingRun.document[part][key] if leaf is None else TrainingRun.document[part][key][leaf]
    kind, text = sa.func.jsonb_typeof(node), node.as_string()
    number = sa.case((kind == "number", sa.cast(text, sa.Double())))
    return number, _sorted_as_bytes(session, sa.case((kind == "string", text)))


def _member_in_sqlite(part: str, key: str, leaf: str | None) -> tuple[Member, Member]:
    """The key is compared, not put into a path: SQLite's paths cannot hold every key."""
    each = sa.func.json_each(TrainingRun.document, f"$.{part}").table_valued("key", "value", "type")
    value = each.c.value if leaf is None else sa.func.json_extract(each.c.value, f"$.{leaf}")
    found = sa.select(value).select_from(each).where(each.c.key == key).correlate(TrainingRun).scalar_subquery()
    kind = sa.func.typeof(found)
    number = sa.case((kind.in_(("integer", "real")), sa.cast(found, sa.Float())))
    return number, sa.case((kind == "text", sa.type_coerce(found, sa.Text())))


def _number(name: str, number: Member, _text: Member) -> Field:
    return Field(name, "number", (By(number, is_nullable=False),), number.is_(None))


def _text(name: str, _number: Member, text: Member) -> Field:
    return Field(name, "text", (By(text, "text", is_nullable=False),), text.is_(None))


def _scalar(name: str, number: Member, text: Member) -> Field:
    """Numbers first, then text: what people note may be either."""
    rank = sa.case((number.is_not(None), 0), else_=1)
    columns = (
        By(rank, is_nullable=False),
        By(sa.func.coalesce(number, 0.0), is_nullable=False),
        By(sa.func.coalesce(text, ""), "text", is_nullable=False),
    )
    return Field(name, "scalar", columns, sa.and_(number.is_(None), text.is_(None)))


_OF_MEMBER: Final[Mapping[str, Callable[[str, Member, Member], Field]]] = {
    "number": _number,
    "text": _text,
    "scalar": _scalar,
}


def condition(field: Field, operator: str, value: Any) -> Clause:
    """Return the clause of one filter, or raise `InvalidInputError` if the field has no such comparison or value."""
    if operator not in OPERATORS:
        raise _refused(f"Invalid operator: {shorten(operator)}", ", ".join(OPERATORS))
    if operator in _UNFIT.get(field.kind, ()):
        raise _refused(f"Cannot filter `{field.name}` with the operator `{operator}`", " or ".join(_EQUALITY))
    if operator == "isnull":
        return field.is_null
    return _OF_KIND[field.kind](field, operator, value)


def _refused(message: str, expected: str) -> InvalidInputError:
    return InvalidInputError(message, field="filters", expected=expected)


def _wrong(field: Field, value: Any, expected: str) -> InvalidInputError:
    return _refused(f"Invalid value for `{field.name}`: {shorten(value)}, expected {expected}", expected)


def _by_id(field: Field, operator: str, value: Any) -> Clause:
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
    if isinstance(value, bool) or not (is_digits or isinstance(value, int)):
        raise _wrong(field, value, "an id")
    return _COMPARE[operator](field.columns[0].expression, max(-LARGEST_ID, min(int(value), LARGEST_ID)))


def _by_time(field: Field, operator: str, value: Any) -> Clause:
    """Compare whole seconds: a time is equal to all of the second that it lies in."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(field, value, "whole seconds since 1970")
    second = max(_EARLIEST_S, min(value, _LATEST_S))
    begin, end = _EPOCH + timedelta(seconds=second), _EPOCH + timedelta(seconds=second + 1)
    column = field.columns[0].expression
    clauses: dict[str, Clause] = {
        "==": sa.and_(column >= begin, column < end),
        "!=": sa.or_(column < begin, column >= end),
        ">=": column >= begin,
        ">": column >= end,
        "<=": column < end,
        "<": column < begin,
    }
    return clauses[operator]


def _by_end(field: Field, operator: str, value: Any) -> Clause:
    """Compare when a run was over, as SigOpt does, or whether it is, as runs are shown."""
    if not isinstance(value, bool):
        if not isinstance(value, int):
            raise _wrong(field, value, "true, false or whole seconds since 1970")
        return _by_time(field, operator, value)
    if operator not in _EQUALITY:
        message = f"Cannot filter `{field.name}` by {json.dumps(value)} with the operator `{operator}`"
        raise _refused(message, " or ".join(_EQUALITY))
    is_over = sa.or_(TrainingRun.observation_id.is_not(None), TrainingRun.completed_at.is_not(None))
    return is_over if value is (operator == "==") else sa.not_(is_over)


def _by_boolean(field: Field, operator: str, value: Any) -> Clause:
    if not isinstance(value, bool):
        raise _wrong(field, value, "true or false")
    return sa.and_(sa.not_(field.is_null), _COMPARE[operator](field.columns[0].expression, int(value)))


def _by_state(field: Field, operator: str, value: Any) -> Clause:
    if value not in _STATES:
        raise _wrong(field, value, ", ".join(_STATES))
    return _COMPARE[operator](field.columns[0].expression, value)


def _by_text(field: Field, operator: str, value: Any) -> Clause:
    if not isinstance(value, str):
        raise _wrong(field, value, "text")
    return _COMPARE[operator](field.columns[0].expression, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _by_number(field: Field, operator: str, value: Any) -> Clause:
    if not _is_number(value):
        raise _wrong(field, value, "a number")
    return _COMPARE[operator](field.columns[0].expression, _float(field, value))


def _float(field: Field, value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise _wrong(field, value, "a number that is not too large") from error


def _by_scalar(field: Field, operator: str, value: Any) -> Clause:
    """Compare numbers with numbers and text with text; what is of the other kind is unequal and nothing more."""
    rank, number, text = (column.expression for column in field.columns)
    if not isinstance(value, str) and not _is_number(value):
        raise _wrong(field, value, "a number or text")
    column, mine = (text, 1) if isinstance(value, str) else (number, 0)
    compared = _COMPARE[operator](column, value if isinstance(value, str) else _float(field, value))
    same = sa.and_(sa.not_(field.is_null), rank == mine, compared)
    return sa.or_(same, sa.and_(sa.not_(field.is_null), rank != mine)) if operator == "!=" else same


_OF_KIND: Final[Mapping[Kind, Callable[[Field, str, Any], Clause]]] = {
    "id": _by_id,
    "time": _by_time,
    "end": _by_end,
    "boolean": _by_boolean,
    "state": _by_state,
    "text": _by_text,
    "number": _by_number,
    "scalar": _by_scalar,
}
