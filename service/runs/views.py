"""Views of a project's runs: kept for the pages and scripts that make them. Nothing here follows what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import NotFoundError, PermissionDeniedError
from service.models import Project, View
from service.schemas.fields import parse_id
from service.schemas.view import GridView, RunView, ViewChange

__all__ = ["MOST_VIEWS", "change", "create", "end", "listed"]

#: Of one kind in one project.
MOST_VIEWS: Final = 100


def create(
    session: Session, project: Project, given: RunView | GridView, payload: Mapping[str, Any], *, now: datetime
) -> View:
    """Keep a view as it was given, or raise `PermissionDeniedError` if the project has as many as it may."""
    session.refresh(project, with_for_update=True)  # two that come at once are counted one after the other
    of_kind = sa.select(sa.func.count(View.id)).where(_are_of(project, given.web_data_type))
    if session.scalar(of_kind) == MOST_VIEWS:
        message = f"There are {MOST_VIEWS} {given.web_data_type}s of project {project.reference}: delete one first"
        raise PermissionDeniedError(message)
    row = View(
        project_id=project.id,
        kind=given.web_data_type,
        name=given.display_name,
        document=dict(payload),
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _are_of(project: Project, kind: str) -> sa.ColumnElement[bool]:
    return sa.and_(View.project_id == project.id, View.kind == kind)


def listed(session: Session, project: Project, kind: str) -> Sequence[View]:
    """Return all views of one kind, newest first."""
    return session.scalars(sa.select(View).where(_are_of(project, kind)).order_by(View.id.desc())).all()


def change(session: Session, project: Project, given: ViewChange, payload: Mapping[str, Any], *, now: datetime) -> View:
    """Put other content into a view. One that is not in this project is refused as one that would have to move."""
    row = _find(session, project, given.web_data_type, parse_id(given.id, ".id"))
    if row is None:
        message = f"No {given.web_data_type} {given.id} in project {project.reference}, and none can be moved there"
        raise PermissionDeniedError(message)
    row.document, row.updated_at = dict(payload), now
    if given.display_name:
        row.name = given.display_name
    session.flush()
    return row


def _find(session: Session, project: Project, kind: str, key: int) -> View | None:
    return session.scalars(sa.select(View).where(View.id == key, _are_of(project, kind))).one_or_none()


def end(session: Session, project: Project, kind: str, key: int) -> None:
    """Forget a view, or raise `NotFoundError`."""
    row = _find(session, project, kind, key)
    if row is None:
        raise NotFoundError(f"No {kind} {key} in project {project.reference}", view=str(key))
    session.delete(row)
    session.flush()
