"""Tags: words with a colour that a client's runs can carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.db import insert_new
from service.errors import ConflictError, InvalidInputError
from service.models import Tag
from service.paging import Order, Page, Window, count_of, walk
from service.schemas import fields

__all__ = ["NewTag", "check_tag", "create", "listed"]

_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")


class NewTag(fields.Strict):
    """The body of a create."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    color: str


def create(session: Session, body: Mapping[str, Any], *, client_id: int, now: datetime) -> Tag:
    """Make a tag, or raise `ConflictError` where its name is taken."""
    given = fields.parse_model(NewTag, body)
    row = {"client_id": client_id, "name": given.name, "color": check_tag(given), "created_at": now}
    made = insert_new(session, Tag, [row], unique=("client_id", "name"), returning=("id",))
    if not made:
        raise ConflictError(f"The tag with name `{given.name}` already exists.", tag=given.name)
    return session.get_one(Tag, made[0].id)


def check_tag(given: NewTag) -> str:
    """Return the colour of a tag as it is stored."""
    if _COLOR.fullmatch(given.color) is None:
        message = f"{fields.shorten(given.color)} does not match the regular expression /^{_COLOR.pattern}$/"
        raise InvalidInputError(message, field=".color", expected="a colour as #RRGGBB")
    return given.color.upper()


def listed(session: Session, window: Window, *, client_id: int) -> tuple[Page[Tag], int]:
    """Return one page of the list of a client's tags, and how many there are in all."""
    wanted = sa.select(Tag).where(Tag.client_id == client_id)
    return walk(session, wanted, Order((), Tag.id), window), count_of(session, wanted)
