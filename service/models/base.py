"""The base of all tables, and how columns are written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from service.db import Id, Json, UtcDateTime

__all__ = ["Base", "id_", "to"]


class Base(DeclarativeBase):
    """What all tables share: names for constraints that migrations can rely on."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: Json, list[Any]: Json}  # noqa: RUF012


def id_() -> Mapped[int]:
    """A row's number."""
    return mapped_column(Id, primary_key=True, autoincrement=True)


def to(table: str, *, index: bool = False, primary_key: bool = False) -> Any:
    """The number of a row of another table."""
    return mapped_column(Id, sa.ForeignKey(f"{table}.id"), index=index, primary_key=primary_key)
