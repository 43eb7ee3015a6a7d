"""The body of a request: strict JSON, whatever it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import g, request
from werkzeug.exceptions import RequestEntityTooLarge

from service.errors import InvalidInputError
from service.schemas import fields

__all__ = ["body", "refuse_unknown", "refuse_unreadable"]

#: curl says the last one by itself; other media types count as no parameters, as SigOpt's clients know it.
_READ_AS_JSON: Final = frozenset(("", "application/json", "application/x-www-form-urlencoded"))
#: Methods whose body says what is wanted.
_WITH_BODY: Final = ("POST", "PUT", "MERGE")


def body() -> dict[str, Any]:
    """Return the request's JSON object; nothing at all is an empty one.

    `fields` of a POST is not part of what is made: it says which keys the reply shall have.
    """
    if request.mimetype not in _READ_AS_JSON:
        return {}
    given = fields.parse_json_object(request.get_data())
    if request.method == "POST" and "fields" in given:
        g.fields = _text(given.pop("fields"))
    return given


def refuse_unreadable() -> None:
    """Refuse a body that is no JSON before anybody is asked for a token, as SigOpt's server does."""
    if request.method not in _WITH_BODY:
        return
    try:
        body()
    except RequestEntityTooLarge as error:
        raise InvalidInputError("Request body is too large to be read without an API token") from error


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        message = f"Invalid type for .fields: {fields.shorten(value)} - expected type string"
        raise InvalidInputError(message, field=".fields", expected="names between commas")
    return value


def refuse_unknown(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse keys that the endpoint does not know."""
    unknown = [name for name in given if name not in known]
    if unknown:
        named = ", ".join(f"`{name}`" for name in unknown)
        message = f"Unknown json keys {named} in: {fields.shorten(dict(given))}"
        raise InvalidInputError(message, field=f".{unknown[0]}", expected=", ".join(known) or "no keys")
