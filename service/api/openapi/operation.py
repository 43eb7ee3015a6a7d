"""How an operation is declared: what its route, view and scope do not say already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from service.api.openapi.parameters import AFTER, ASCENDING, BEFORE, LIMIT, query
from service.api.openapi.shapes import Schema

__all__ = ["WALKS", "Operation", "walks"]

#: The parameters of a list that has one order …
WALKS = (LIMIT, BEFORE, AFTER, ASCENDING)


def walks(*sorts: str) -> tuple[dict[str, Any], ...]:
    """… and of one that has several orders."""
    return (*WALKS, query("sort", "The order.", {"type": "string", "enum": list(sorts)}))


@dataclass(frozen=True)
class Operation:
    """One endpoint, by the name of its view.

    `reply` names the component that it answers with, `page` that of the items of the list it answers with; neither:
    an empty object. `body` is the model that parses the body, or a schema where none does; `example` is a body that is
    taken as it stands. `others` are replies of other statuses that are no refusals. `refuses`: every request to it,
    saying why. `media` is what it answers with, if not with JSON, `takes` what its body may be, if not JSON.
    """

    reply: str | None = None
    page: str | None = None
    body: type[BaseModel] | Schema | None = None
    example: Mapping[str, Any] | None = None
    query: Sequence[Mapping[str, Any]] = ()
    errors: Sequence[int] = ()
    others: Mapping[int, str] = field(default_factory=dict)
    refuses: int | None = None
    media: Sequence[str] = ()
    takes: Mapping[str, Schema] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
