"""What lies inside the documents of observations, as SQL: both databases can sort and search by it."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from service.models import Configuration, Observation

__all__ = ["assigned", "is_sqlite", "measured"]


def is_sqlite(session: Session) -> bool:
    """Whether this is the one-machine database."""
    return session.get_bind().dialect.name == "sqlite"


def measured(session: Session, metric: str, part: Literal["value", "value_stddev"]) -> sa.ScalarSelect[Any]:
    """Return the value of a metric, or its standard deviation: NULL where it was not measured."""
    name: sa.ColumnElement[Any]
    if is_sqlite(session):
        item = sa.func.json_each(Observation.values).table_valued("value")
        name, number = sa.func.json_extract(item.c.value, "$.name"), sa.func.json_extract(item.c.value, f"$.{part}")
    else:
        item = sa.func.jsonb_array_elements(Observation.values).table_valued(sa.column("value", JSONB))
        name, number = item.c.value["name"].astext, item.c.value[part].astext
    found = sa.select(sa.cast(number, sa.Double)).where(name == metric).limit(1)
    return found.select_from(item).correlate(Observation).scalar_subquery()


def assigned(session: Session, name: str, *, is_text: bool) -> sa.ScalarSelect[Any]:
    """Return what a parameter or conditional was set to: NULL where it did not matter."""
    kind = sa.Text() if is_text else sa.Double()
    each = sa.func.json_each if is_sqlite(session) else sa.func.jsonb_each_text
    item = each(Configuration.assignments).table_valued("key", "value")
    found = sa.select(sa.cast(item.c.value, kind)).where(item.c.key == name).limit(1)
    return found.select_from(item).correlate(Configuration).scalar_subquery()
