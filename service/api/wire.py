"""The wire in one place: what views need to read a request and to answer it. Each subject has a file of its own."""

from __future__ import annotations

from service.api.body import body, refuse_unknown
from service.api.paging import unpaged
from service.api.query import asks_for_a_user, choice, comma_list, id_list, truth, whole_number
from service.api.replies import epoch, reply
from service.errors import InvalidInputError, NotFoundError
from service.schemas import fields

__all__ = [
    "asks_for_a_user",
    "body",
    "choice",
    "comma_list",
    "epoch",
    "id_list",
    "parse_id",
    "refuse_unknown",
    "reply",
    "truth",
    "unpaged",
    "whole_number",
]


def parse_id(text: str, what: str) -> int:
    """Read an id of the path; one that cannot exist is not found."""
    try:
        return fields.parse_id(text, what)
    except InvalidInputError as error:
        raise NotFoundError(f"No {what} {text}") from error
