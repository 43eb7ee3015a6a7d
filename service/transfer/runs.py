"""Training runs on their way in: each is checked by the rules of every run, then stored with its checkpoints and tags.

A run names its suggestion and its observation as the file names them. What the file leaves out was put away where it
comes from: such a run has none here either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.db import insert_new
from service.errors import InvalidInputError
from service.models import Checkpoint, Experiment, Observation, Tag, TrainingRun
from service.runs.checkpoints import MOST_CHECKPOINTS, NewCheckpoint, checked_checkpoint
from service.schemas.fields import parse_model, refuse, shorten
from service.schemas.run import RunBody, State
from service.tags import NewTag, check_tag
from service.transfer.document import read_time

__all__ = ["Known", "add_runs", "add_tags", "check_run", "check_tag_of_file", "put_runs_away"]

#: The colour of a word that a run carries and the file does not describe.
_GREY: Final = "#808080"
_Id = Annotated[str, Field(min_length=1, max_length=128)]


class _Checkpoint(NewCheckpoint):
    """A checkpoint of the file."""

    created: Any = None


class _Run(RunBody):
    """A run of the file. Its project is the experiment's, and those that were put away are not in it."""

    id: _Id
    name: Annotated[str, Field(min_length=1, max_length=100)]
    state: State = "active"
    suggestion: _Id | None = None
    result_id: _Id | None = None
    created: Any = None
    updated: Any = None
    completed: Any = None
    tags: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(default_factory=list)
    checkpoints: list[_Checkpoint] = Field(default_factory=list)


@dataclass
class Known:
    """What is known of the file's runs as it is read."""

    runs: set[str] = field(default_factory=set)
    suggestions: set[str] = field(default_factory=set)
    result_ids: set[str] = field(default_factory=set)
    colors: dict[str, str] = field(default_factory=dict)


def check_tag_of_file(value: Mapping[str, Any], known: Known) -> None:
    """Hold a tag against the rules of tags."""
    given = parse_model(NewTag, value)
    if given.name in known.colors:
        refuse(".name", f"the tag {given.name!r} stands twice")
    known.colors[given.name] = check_tag(given)


def check_run(value: Mapping[str, Any], known: Known, *, suggestions: Mapping[str, int], result_ids: set[str]) -> None:
    """Hold a run against the rules; `suggestions` and `result_ids` are those of the file."""
    run = _read(value)
    _named_once(run.id, ".id", known.runs)
    for given, where, there, seen in (
        (run.suggestion, ".suggestion", suggestions.keys(), known.suggestions),
        (run.result_id, ".result_id", result_ids, known.result_ids),
    ):
        if given is not None:
            if given not in there:
                refuse(where, f"{where[1:]} {shorten(given)} is not one of the file's")
            _named_once(given, where, seen)
    for word in run.tags:
        known.colors.setdefault(word, _GREY)


def _named_once(name: str, where: str, seen: set[str]) -> None:
    if name in seen:
        refuse(where, f"{where[1:]} {shorten(name)} stands in two runs")
    seen.add(name)


def _read(value: Mapping[str, Any]) -> _Run:
    for name in ("project", "deleted"):
        if name in value:
            refuse(f".{name}", f"Unknown json keys `{name}` in: {shorten(dict(value))}")
    run = parse_model(_Run, value)
    run.document  # noqa: B018 made, and refused, before anything is stored
    if len(run.checkpoints) > MOST_CHECKPOINTS:
        refuse(".checkpoints", f"a run has at most {MOST_CHECKPOINTS} checkpoints, got {len(run.checkpoints)}")
    for name in ("created", "updated", "completed"):
        read_time(getattr(run, name), f".{name}")
    for index, checkpoint in enumerate(run.checkpoints):
        _checkpoint_columns(checkpoint, f".checkpoints[{index}]")
    return run


def _checkpoint_columns(given: _Checkpoint, where: str) -> dict[str, Any]:
    try:
        columns = checked_checkpoint(given)
    except InvalidInputError as error:
        facts = {**error.facts, "field": f"{where}{error.facts.get('field', '')}"}
        raise InvalidInputError(error.message, **facts) from error
    return {**columns, "created_at": read_time(given.created, f"{where}.created")}


def add_tags(session: Session, known: Known, *, client_id: int, now: datetime) -> dict[str, int]:
    """Make the tags that the client does not have yet; return the ids of all by their words."""
    rows = [
        {"client_id": client_id, "name": name, "color": color, "created_at": now}
        for name, color in known.colors.items()
    ]
    insert_new(session, Tag, rows, unique=("client_id", "name"), returning=("id",))
    wanted = sa.select(Tag.name, Tag.id).where(Tag.client_id == client_id, Tag.name.in_(known.colors))
    return {row.name: row.id for row in session.execute(wanted)}


def add_runs(
    session: Session,
    experiment: Experiment,
    batch: Sequence[Mapping[str, Any]],
    *,
    suggestions: Mapping[str, int],
    tags: Mapping[str, int],
    now: datetime,
) -> None:
    """Store runs that `check_run` has let through; what they call by the file's ids gets those of here."""
    runs = [_read(item) for item in batch]
    named = [run.result_id for run in runs if run.result_id is not None]
    measured = sa.select(Observation.result_id, Observation.id).where(
        Observation.experiment_id == experiment.id, Observation.result_id.in_(named)
    )
    observations = {row.result_id: row.id for row in session.execute(measured)}
    rows = [
        {
            **_columns(run, now),
            "client_id": experiment.client_id,
            "project_id": experiment.project_id,
            "experiment_id": experiment.id,
            "suggestion_id": None if run.suggestion is None else suggestions[run.suggestion],
            "observation_id": None if run.result_id is None else observations[run.result_id],
            "tags": [tags[word] for word in dict.fromkeys(run.tags)],
        }
        for run in runs
    ]
    made = session.scalars(sa.insert(TrainingRun).returning(TrainingRun.id, sort_by_parameter_order=True), rows).all()
    checkpoints = [
        {**columns, "training_run_id": key, "created_at": columns["created_at"] or now}
        for key, run in zip(made, runs, strict=True)
        for columns in (_checkpoint_columns(item, "") for item in run.checkpoints)
    ]
    if checkpoints:
        session.execute(sa.insert(Checkpoint), checkpoints)


def _columns(run: _Run, now: datetime) -> dict[str, Any]:
    created_at = read_time(run.created, ".created") or now
    updated_at = read_time(run.updated, ".updated") or created_at
    completed_at = read_time(run.completed, ".completed")
    document = run.document if run.favorite is None else {**run.document, "favorite": run.favorite}
    return {
        "name": run.name,
        "state": run.state,
        "deleted": False,
        "favorite": bool(run.favorite),
        "document": document,
        "created_at": created_at,
        "updated_at": updated_at,
        "completed_at": completed_at or (None if run.state == "active" else updated_at),
    }


def put_runs_away(session: Session, experiment: Experiment) -> None:
    """Put the runs of an import that failed away with their experiment: their project would go on listing them."""
    mine = TrainingRun.experiment_id == experiment.id
    session.execute(sa.update(TrainingRun).where(mine).values(deleted=True))
