"""Alembic's entry: runs the steps on the connection that service.migrations hands over."""

from typing import Any, Literal

from alembic import context

from service.db import Id, Json, UtcDateTime
from service.models import Base


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types by their names in service.db."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "UtcDateTime()"
    return {repr(Id): "Id", repr(Json): "Json"}.get(repr(item), False)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=False,
    render_item=render_item,
)
context.run_migrations()
