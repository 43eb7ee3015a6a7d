"""What stands in addresses and headers, each described once."""

from __future__ import annotations

from typing import Any, Final

from service.api.openapi.shapes import Schema

__all__ = [
    "AFTER",
    "ASCENDING",
    "BEFORE",
    "COMPONENTS",
    "FIELDS",
    "IDEMPOTENCY_KEY",
    "IF_MATCH",
    "IF_NONE_MATCH",
    "LIMIT",
    "REQUEST_ID",
    "SKIP",
    "header",
    "query",
    "truth",
    "words",
]

Parameter = dict[str, Any]


def query(name: str, description: str, schema: Schema | None = None) -> Parameter:
    """A parameter of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema or {"type": "string"}}


def truth(name: str, description: str) -> Parameter:
    """A parameter of the query that is true or false."""
    return query(name, description, {"type": "string", "enum": ["true", "false", "True", "False", "1", "0"]})


def words(name: str, description: str, *allowed: str) -> Parameter:
    """A parameter of the query that is one of a few words."""
    return query(name, description, {"type": "string", "enum": list(allowed)})


def header(name: str, description: str, schema: Schema | None = None) -> Parameter:
    """A header of the request."""
    return {"name": name, "in": "header", "description": description, "schema": schema or {"type": "string"}}


_MARKER: Final[Schema] = {"type": "string", "minLength": 2}
COMPONENTS: Final[dict[str, Parameter]] = {
    "limit": query(
        "limit",
        "How many items a page has at most; 0 asks for their number alone.",
        {"type": "integer", "minimum": 0, "maximum": 1000, "default": 1000},
    ),
    "before": query("before", "The marker `paging.before` of a page: leads to what is older, or smaller.", _MARKER),
    "after": query("after", "The marker `paging.after` of a page: leads to what is newer, or larger.", _MARKER),
    "ascending": truth("ascending", "The smallest first; such a list goes on with `after`."),
    "fields": query("fields", "Names between commas: the reply has only these keys, each item of a list if it is one."),
    "idempotency_key": header(
        "Idempotency-Key",
        "A request that is sent again with its key is done once. Kept for a day, apart for each client.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "examples": ["b6f2c1a8-trial-7"]},
    ),
    "if_match": header(
        "If-Match", "The ETag of the state you have read: nothing is changed (412) if somebody has edited it since."
    ),
    "if_none_match": header("If-None-Match", "The ETag of the copy you have: answered with 304 while it is current."),
    "request_id": header(
        "X-Request-Id", "Your name for this request, up to 128 visible ASCII characters; else we name it."
    ),
    "skip": header("X-Response-Content", "`skip`: answer with 204 and no body."),
}


def _ref(name: str) -> Parameter:
    return {"$ref": f"#/components/parameters/{name}"}


LIMIT, BEFORE, AFTER, ASCENDING, FIELDS = map(_ref, ("limit", "before", "after", "ascending", "fields"))
IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH = map(_ref, ("idempotency_key", "if_match", "if_none_match"))
REQUEST_ID, SKIP = map(_ref, ("request_id", "skip"))
