"""Which fields the runs of a list have, and how many of them have each: what a table of runs offers as columns.

Counted by the database: the documents of ten thousand runs are not read for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import TrainingRun

__all__ = ["DefinedField", "defined_fields"]


@dataclass(frozen=True)
class DefinedField:
    """A field that runs have; `type` is id, timestamp, boolean, string, numeric or unknown."""

    key: str
    name: str
    type: str
    count: int


#: Key, name, type, and a column that is null where a run does not have the field.
_OWN: Final = (
    ("id", "ID", "id", TrainingRun.id),
    ("project", "Project", "string", TrainingRun.project_id),
    ("client", "Client", "id", TrainingRun.client_id),
    ("experiment", "Experiment", "id", TrainingRun.experiment_id),
    ("suggestion", "Suggestion", "id", TrainingRun.suggestion_id),
    ("observation", "Observation", "id", TrainingRun.observation_id),
    ("user", "Created By", "id", sa.null().cast(sa.BigInteger())),  # there are no users
    ("created", "Created", "timestamp", TrainingRun.created_at),
    ("updated", "Updated", "timestamp", TrainingRun.updated_at),
    ("completed", "Completed", "timestamp", TrainingRun.completed_at),
    ("deleted", "Archived", "boolean", TrainingRun.deleted),
    ("name", "Name", "string", TrainingRun.name),
    ("state", "State", "string", TrainingRun.state),
    ("checkpoint_count", "Checkpoints", "numeric", TrainingRun.id),  # every run has a number of them
    ("optimized_suggestion", "Optimized", "boolean", TrainingRun.id),  # every run can be asked whether it is
)
#: What stands once in a document.
_SINGLE: Final = (
    ("favorite", ("favorite",), "Favorite", "boolean"),
    ("source_code.content", ("source_code", "content"), "source_code.content", "string"),
    ("source_code.hash", ("source_code", "hash"), "source_code.hash", "string"),
    ("model.type", ("model", "type"), "model.type", "string"),
)
#: What people name -> what stands below each name, and of what type it is; the name itself where nothing does.
_NAMED: Final[Mapping[str, tuple[tuple[str | None, str], ...]]] = {
    "assignments": ((None, "unknown"),),
    "metadata": ((None, "unknown"),),
    "values": (("value", "numeric"), ("value_stddev", "numeric")),
    "logs": (("content", "string"),),
}


def defined_fields(session: Session, wanted: sa.Select[TrainingRun]) -> list[DefinedField]:
    """Return the fields of the runs that `wanted` finds."""
    runs = wanted.with_only_columns(TrainingRun.id)
    single = [TrainingRun.document[path].as_string() for _, path, _, _ in _SINGLE]
    columns = [*(column for *_, column in _OWN), *single]
    counts = session.execute(sa.select(*map(sa.func.count, columns)).where(TrainingRun.id.in_(runs))).one()
    own = [DefinedField(key, name, kind, counts[i]) for i, (key, name, kind, _) in enumerate(_OWN)]
    rest = counts[len(_OWN) :]
    once = [DefinedField(key, name, kind, rest[i]) for i, (key, _, name, kind) in enumerate(_SINGLE)]
    return [*own, *once, *_named(session, runs)]


def _named(session: Session, runs: sa.Select[Any]) -> Iterator[DefinedField]:
    for part, leaves in _NAMED.items():
        key, value = _each(session, part)
        counted = [sa.func.count(_leaf(session, value, leaf)) for leaf, _ in leaves]
        rows = session.execute(
            sa.select(key, *counted)
            .select_from(TrainingRun)
            .join(key.table, sa.true())
            .where(TrainingRun.id.in_(runs))
            .group_by(key)
            .order_by(key)
        )
        for row in rows:
            for (leaf, kind), count in zip(leaves, row[1:], strict=True):
                name = row[0] if leaf is None else f"{part}.{row[0]}.{leaf}"
                yield DefinedField(f"{part}.{row[0]}" if leaf is None else name, name, kind, count)


def _each(session: Session, part: str) -> tuple[Any, Any]:
    """Return key and value of a function that lists the members of a part of each run's document."""
    if session.get_bind().dialect.name == "sqlite":
        members = sa.func.json_each(TrainingRun.document, f"$.{part}").table_valued("key", "value", name="members")
    else:
        members = sa.func.jsonb_each(TrainingRun.document[part]).table_valued("key", "value", name="members")
    return members.c.key, members.c.value


def _leaf(session: Session, value: Any, leaf: str | None) -> Any:
    if leaf is None:
        return value
    if session.get_bind().dialect.name == "sqlite":
        return sa.func.json_extract(value, f"$.{leaf}")
    return value.op("->>")(leaf)
