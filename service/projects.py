"""Projects: folders of a client's experiments and runs, called by a reference that people choose; notes about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.db import insert_new
from service.errors import ConflictError, InvalidInputError, NotFoundError
from service.models import Experiment, Note, Project, TrainingRun
from service.paging import By, Order, Page, Window, count_of, walk
from service.schemas import fields
from service.schemas.experiment import Metadata, check_metadata

__all__ = [
    "LONGEST_NOTE",
    "SORTS",
    "Counts",
    "NewNote",
    "NewProject",
    "ProjectChange",
    "counts",
    "create",
    "find",
    "listed",
    "newest_note",
    "update",
    "write_note",
]

#: When the newest of a project's experiments was changed, or had a result. Looked up rather than written with each
#: result: the workers of all its experiments would wait for one row.
_NEWEST: Final = (
    sa.select(sa.func.max(Experiment.updated_at))
    .where(Experiment.project_id == Project.id)
    .correlate(Project)
    .scalar_subquery()
)
_UPDATED: Final = sa.case((Project.updated_at < _NEWEST, _NEWEST), else_=Project.updated_at)
#: What a list can be sorted by.
SORTS: Final[Mapping[str, Order]] = {
    "created": Order((By(Project.created_at, "time", is_nullable=False),), Project.id),
    "updated": Order((By(_UPDATED, "time", is_nullable=False),), Project.id),
}
LONGEST_NOTE: Final = 1024 * 1024
#: Clients put it into addresses as it is.
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

_Name = Annotated[str, Field(min_length=1, max_length=100)]


class NewProject(fields.Strict):
    """The body of a create."""

    id: str
    name: _Name
    metadata: Metadata | None = None


class ProjectChange(fields.Strict):
    """The body of an update."""

    name: _Name = ""
    metadata: Metadata | None = None
    deleted: bool | None = None


class NewNote(fields.Strict):
    """The body of a note."""

    contents: Annotated[str, Field(max_length=LONGEST_NOTE)]


@dataclass(frozen=True)
class Counts:
    """How much is in a project, and when it or any of its experiments was changed or had a result."""

    updated_at: datetime
    experiments: int = 0
    runs: int = 0


def create(session: Session, body: Mapping[str, Any], *, client_id: int, now: datetime) -> Project:
    """Make a project, or raise `ConflictError` where its reference is taken."""
    given = fields.parse_model(NewProject, body)
    _check_reference(given.id)
    check_metadata(given.metadata)
    row = {
        "client_id": client_id,
        "reference": given.id,
        "name": given.name,
        "meta": _said(given.metadata),
        "deleted": False,
        "created_at": now,
        "updated_at": now,
    }
    if not insert_new(session, Project, [row], unique=("client_id", "reference"), returning=("id",)):
        message = f"The experiment project with id `{given.id}` already exists."
        raise ConflictError(message, project=given.id)
    return find(session, given.id, client_id=client_id)


def _check_reference(reference: str) -> None:
    if not 0 < len(reference) <= 32:
        message = f"The length of .id must be 1 to 32, got {len(reference)}"
        raise InvalidInputError(message, field=".id", expected="1 to 32 characters")
    if _REFERENCE.fullmatch(reference) is None:
        message = f"{fields.shorten(reference)} does not match the regular expression /^{_REFERENCE.pattern}$/"
        raise InvalidInputError(message, field=".id", expected="letters, digits, - _ and dots, none at the beginning")


def _said(metadata: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if metadata is None else {key: value for key, value in metadata.items() if value is not None}


def find(session: Session, reference: str, *, client_id: int, only: int | None = None) -> Project:
    """Return a client's project by its reference, or raise `NotFoundError`; `only` is the one a token is for."""
    wanted = sa.select(Project).where(Project.client_id == client_id, Project.reference == reference)
    project = session.scalars(wanted).one_or_none()
    if project is None or only not in (None, project.id):
        raise NotFoundError(f"No project {reference}", project=reference)
    return project


def listed(
    session: Session,
    window: Window,
    *,
    client_id: int,
    sort: str = "created",
    with_deleted: bool = False,
    only: int | None = None,
) -> tuple[Page[Project], int]:
    """Return one page of the list of a client's projects, and how many there are in all."""
    wanted = sa.select(Project).where(Project.client_id == client_id)
    if not with_deleted:
        wanted = wanted.where(sa.not_(Project.deleted))
    if only is not None:
        wanted = wanted.where(Project.id == only)
    return walk(session, wanted, SORTS[sort], window), count_of(session, wanted)


def counts(session: Session, project_ids: Sequence[int]) -> dict[int, Counts]:
    """Return how much is in projects, without what was put away."""
    experiments = _count(session, Experiment, project_ids, Experiment.state != "deleted")
    runs = _count(session, TrainingRun, project_ids, sa.not_(TrainingRun.deleted))
    changed = session.execute(sa.select(Project.id, _UPDATED).where(Project.id.in_(project_ids))).all()
    return {key: Counts(at, experiments.get(key, 0), runs.get(key, 0)) for key, at in changed}


def _count(session: Session, table: Any, keys: Sequence[int], alive: sa.ColumnElement[bool]) -> dict[int, int]:
    wanted = sa.select(table.project_id, sa.func.count()).where(table.project_id.in_(keys), alive)
    return {row[0]: row[1] for row in session.execute(wanted.group_by(table.project_id))}


def update(session: Session, project: Project, body: Mapping[str, Any], *, now: datetime) -> None:
    """Change what `body` names and leave the rest."""
    given = fields.parse_model(ProjectChange, body)
    check_metadata(given.metadata)
    said = given.model_fields_set
    if "name" in said:
        project.name = given.name
    if "metadata" in said:
        project.meta = _said(given.metadata)
    if given.deleted is not None:
        project.deleted = given.deleted
    project.updated_at = now
    session.flush()


def write_note(session: Session, project: Project, body: Mapping[str, Any], *, now: datetime) -> Note:
    """Write a new version of the project's note; the older ones are kept."""
    given = fields.parse_model(NewNote, body)
    note = Note(project_id=project.id, contents=given.contents, created_at=now)
    session.add(note)
    session.flush()
    return note


def newest_note(session: Session, project: Project) -> Note | None:
    """Return the version that counts."""
    wanted = sa.select(Note).where(Note.project_id == project.id).order_by(Note.id.desc()).limit(1)
    return session.scalars(wanted).one_or_none()
