"""Tags that a run carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.errors import InvalidInputError, NotFoundError, UnprocessableError
from service.models import Tag, TrainingRun
from service.schemas.fields import parse_id

__all__ = ["add", "remove"]


def add(session: Session, run: TrainingRun, body: Mapping[str, Any], *, now: datetime) -> Tag:
    """Let a run carry a tag; one that it carries already stays."""
    given = body.get("id")
    tag = None if given in (0, "0") else _tag(session, run, parse_id(given, ".id"))
    if tag is None:
        message = f"The tag with id {given} cannot be added to this training run because it does not exist."
        raise UnprocessableError(message, field=".id", expected="the id of a tag of this client")
    session.refresh(run, with_for_update=True)
    if tag.id not in run.tags:
        run.tags = [*run.tags, tag.id]
        run.updated_at = now
    return tag


def remove(session: Session, run: TrainingRun, tag_id: str, *, now: datetime) -> Tag:
    """Take a tag away from a run, or raise `NotFoundError` if there is no such tag."""
    try:
        tag = _tag(session, run, parse_id(tag_id, "tag"))
    except InvalidInputError as error:
        raise NotFoundError(f"No tag {tag_id}") from error
    if tag is None:
        raise NotFoundError(f"No tag {tag_id}")
    session.refresh(run, with_for_update=True)
    if tag.id in run.tags:
        run.tags = [key for key in run.tags if key != tag.id]
        run.updated_at = now
    return tag


def _tag(session: Session, run: TrainingRun, tag_id: int) -> Tag | None:
    tag = session.get(Tag, tag_id)
    return tag if tag is not None and tag.client_id == run.client_id else None
