"""Out: one experiment as our own JSON, or its observations as a table. Nothing that grows is held in memory.

The table has the columns of SigOpt's download: `parameter-NAME`, `conditional-NAME`, `value-NAME`, `value_stddev-NAME`,
`task_name`, `task_cost`, `failed`, `created`, `metadata-NAME`, `id`; and at the end our own `result_id` and `partial`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TextIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.db import strict_json
from service.models import Checkpoint, Configuration, Experiment, Observation, Project, Suggestion, Tag, TrainingRun
from service.schemas.experiment import Definition
from service.transfer import document

__all__ = ["GUARD", "export_csv", "export_json"]

_BATCH: Final = 1000
#: What a cell of text may not begin with: a table program would take it for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
#: What stands before such a text; an import takes it away.
GUARD: Final = "'"
#: Which suggestions stand in the file.
_LEAVES: Final = (Suggestion.state.in_(document.STATES), Suggestion.deleted_at.is_(None))

#: An observation, where it was measured, and the id of its suggestion if that leaves as well.
_Measured = tuple[Observation, Configuration, int | None]


def export_json(session: Session, experiment: Experiment, file: TextIO, *, now: datetime) -> None:
    """Write the whole experiment; the caller's transaction decides that all of it is of one moment."""
    definition = Definition.of(experiment)
    head = {"format": document.FORMAT, "version": document.VERSION, "exported": document.written_time(now)}
    said = (
        document.runs_document(experiment, project=_project(session, experiment))
        if experiment.runs_only
        else document.experiment_document(experiment)
    )
    file.write(strict_json({**head, "experiment": said})[:-1])
    _write_list(file, "suggestions", (document.suggestion_document(row) for row in _suggestions(session, experiment)))
    measured = _observations(session, experiment)
    told = (document.observation_document(row, place, definition, suggestion_id=key) for row, place, key in measured)
    _write_list(file, "observations", told)
    if experiment.runs_only:
        tags = _tags(session, experiment)
        _write_list(file, "tags", (document.tag_document(row) for row in tags))
        _write_list(file, "runs", _runs(session, experiment, {row.id: row.name for row in tags}))
    file.write("}\n")


def _project(session: Session, experiment: Experiment) -> str | None:
    return session.scalar(sa.select(Project.reference).where(Project.id == experiment.project_id))


def _write_list(file: TextIO, name: str, items: Iterable[Mapping[str, Any]]) -> None:
    file.write(f',\n"{name}":[')
    for index, item in enumerate(items):
        file.write((",\n" if index else "\n") + strict_json(item))
    file.write("]")


def _suggestions(session: Session, experiment: Experiment) -> Iterator[Suggestion]:
    wanted = sa.select(Suggestion).where(Suggestion.experiment_id == experiment.id, *_LEAVES)
    return _walk(session, wanted, Suggestion.id, lambda row: row[0].id, lambda row: row[0])


def _observations(session: Session, experiment: Experiment) -> Iterator[_Measured]:
    wanted = (
        sa.select(Observation, Configuration, Suggestion.id)
        .join(Configuration, Configuration.id == Observation.configuration_id)
        .outerjoin(Suggestion, sa.and_(Suggestion.id == Observation.suggestion_id, *_LEAVES))
        .where(Observation.experiment_id == experiment.id, Observation.deleted_at.is_(None))
    )
    return _walk(session, wanted, Observation.id, lambda row: row[0].id, tuple)


def _tags(session: Session, experiment: Experiment) -> list[Tag]:
    """Return the tags that runs of the experiment carry."""
    carried = sa.select(TrainingRun.tags).where(_is_there(experiment))
    wanted = {key for tags in session.scalars(carried) for key in tags}
    mine = sa.select(Tag).where(Tag.client_id == experiment.client_id).order_by(Tag.id)
    return [row for row in session.scalars(mine) if row.id in wanted]


def _is_there(experiment: Experiment) -> sa.ColumnElement[bool]:
    return sa.and_(TrainingRun.experiment_id == experiment.id, sa.not_(TrainingRun.deleted))


def _runs(session: Session, experiment: Experiment, tags: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """Yield the experiment's runs, each with its tags and checkpoints, and what of the file it belongs to."""
    measured = sa.and_(Observation.id == TrainingRun.observation_id, Observation.deleted_at.is_(None))
    wanted = (
        sa.select(TrainingRun, Suggestion.id, Observation.result_id)
        .outerjoin(Suggestion, sa.and_(Suggestion.id == TrainingRun.suggestion_id, *_LEAVES))
        .outerjoin(Observation, measured)
        .where(_is_there(experiment))
    )
    for run, suggestion_id, result_id in _walk(session, wanted, TrainingRun.id, lambda row: row[0].id, tuple):
        mine = sa.select(Checkpoint).where(Checkpoint.training_run_id == run.id).order_by(Checkpoint.id)
        yield document.run_document(
            run,
            suggestion_id=suggestion_id,
            result_id=result_id,
            tags=tags,
            checkpoints=session.scalars(mine),
        )


def _walk(
    session: Session, query: Any, key: Any, key_of: Callable[[Any], int], shape: Callable[[Any], Any]
) -> Iterator[Any]:
    """Yield rows in the order of their ids, a thousand at a time, and forget them again."""
    last = 0
    while rows := session.execute(query.where(key > last).order_by(key).limit(_BATCH)).all():
        yield from (shape(row) for row in rows)
        last = key_of(rows[-1])
        session.expunge_all()


def export_csv(session: Session, experiment: Experiment, file: TextIO) -> None:
    """Write a line an observation, oldest first."""
    definition = Definition.of(experiment)
    retired = [item["name"] for item in experiment.retired or [] if item["name"] not in definition.parameter_by_name]
    keys = _metadata_keys(session, experiment)
    writer = csv.writer(file)
    writer.writerow([guarded(name) for name in _columns(definition, retired, keys)])
    for row, configuration, _ in _observations(session, experiment):
        cells = _cells(row, configuration, definition, retired, keys)
        writer.writerow([guarded(cell) for cell in cells])


def _metadata_keys(session: Session, experiment: Experiment) -> list[str]:
    """Return every key that some observation's metadata has: a header comes first, so they are looked up first."""
    keys: set[str] = set()
    for row, *_ in _observations(session, experiment):
        keys.update(row.meta or ())
    return sorted(keys)


def _columns(definition: Definition, retired: list[str], keys: list[str]) -> list[str]:
    metrics = [column for name in definition.metric_by_name for column in _metric_columns(name)]
    return [
        *(f"parameter-{name}" for name in (*definition.parameter_by_name, *retired)),
        *(f"conditional-{name}" for name in definition.conditional_by_name),
        *metrics,
        *(("task_name", "task_cost") if definition.tasks else ()),
        "failed",
        "created",
        *(f"metadata-{key}" for key in keys),
        "id",
        "result_id",
        "partial",
    ]


def _metric_columns(name: str) -> tuple[str, str]:
    return (f"value-{name}", f"value_stddev-{name}") if name else ("value", "value_stddev")


def _cells(
    row: Observation, configuration: Configuration, definition: Definition, retired: list[str], keys: list[str]
) -> Iterator[Any]:
    names = (*definition.parameter_by_name, *retired, *definition.conditional_by_name)
    yield from (configuration.assignments.get(name) for name in names)
    values = {value["name"]: value for value in row.values}
    for name in definition.metric_by_name:
        yield values.get(name, {}).get("value")
        yield values.get(name, {}).get("value_stddev")
    if definition.tasks:
        task = definition.task_by_name.get(row.task or "")
        yield row.task
        yield task and task.cost
    yield _word(row.failed)
    yield int(row.created_at.timestamp())
    yield from ((row.meta or {}).get(key) for key in keys)
    yield row.id
    yield row.result_id
    yield _word(row.partial)


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def guarded(cell: Any) -> Any:
    """Return a cell that no table program takes for a formula: text that looks like one gets an apostrophe before it.

    >>> guarded("=1+1"), guarded(-1.5), guarded("plain"), guarded(None)
    ("'=1+1", -1.5, 'plain', '')
    """
    if cell is None:
        return ""
    return GUARD + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
