"""What can go wrong, in one table: the code of each problem, its status, its title, and what a caller can do.

A refusal names its code, and in `type` the address of its page (RFC 9457), which `service.pages.docs` shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from flask import Response, g

from service.api.replies import json_text

__all__ = ["BY_STATUS", "PROBLEMS", "Problem", "problem"]

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """One kind of refusal: `title` is the same every time, `help` says what to do about it."""

    code: str
    status: int
    title: str
    help: str


_ALL: Final = (
    Problem(
        "invalid_input",
        400,
        "What was sent cannot be taken",
        "`errors` names the field, what was there and what was expected. Nothing was stored.",
    ),
    Problem(
        "bad_request",
        400,
        "The request cannot be read",
        "It is no HTTP that makes sense here; `detail` says what is wrong with it.",
    ),
    Problem(
        "not_authenticated",
        401,
        "No token was given",
        "Give an API token as user name of HTTP Basic with an empty password, or as Bearer.",
    ),
    Problem(
        "not_permitted",
        403,
        "The token does not allow this",
        "`token_status` says why: revoked (unknown or ended), expired, or invalid_permissions (it lacks a scope).",
    ),
    Problem(
        "not_found",
        404,
        "There is nothing here for you",
        "The object does not exist, or belongs to another client: the two are never told apart.",
    ),
    Problem("endpoint_not_found", 404, "No such endpoint", "The path is not one of the API: /openapi.json has all."),
    Problem("method_not_allowed", 405, "Not with this method", "The header Allow names the methods of this path."),
    Problem(
        "conflict",
        409,
        "It contradicts what is stored",
        "A name that is taken, a result whose id came with other values, an experiment that was deleted.",
    ),
    Problem(
        "changed_since",
        412,
        "It was changed since you read it",
        "The tag in If-Match is not that of the present state: read it again, and decide anew.",
    ),
    Problem(
        "too_large", 413, "The body is too large", "It has at most 1 MiB, that of a batch 32: send less at a time."
    ),
    Problem(
        "unprocessable",
        422,
        "Understood, and it can't be done",
        "Either there is not enough data yet, or the Idempotency-Key was used for another request.",
    ),
    Problem(
        "too_many_requests",
        429,
        "Too many requests",
        "Wait as many seconds as Retry-After says; SigOpt's client and ours do so by themselves.",
    ),
    Problem("http_error", 400, "The request was refused", "`detail` says why."),
    Problem(
        "unexpected",
        500,
        "An unexpected error",
        "Ours, not yours. The request id in `instance` finds it in the service's log.",
    ),
    Problem(
        "unavailable",
        503,
        "Not at the moment",
        "Something that this service stands on does not answer: the same request may go through later.",
    ),
)
PROBLEMS: Final[Mapping[str, Problem]] = {item.code: item for item in _ALL}
#: The code of what Werkzeug refuses before a view has been asked.
BY_STATUS: Final[Mapping[int, str]] = {
    400: "bad_request",
    404: "endpoint_not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_requests",
}


def problem(status: int, message: str, code: str, *, facts: Mapping[str, Any], **extra: Any) -> Response:
    """Return a refusal: `message` and `status` as SigOpt's clients read them, and the members of RFC 9457."""
    kind = PROBLEMS.get(code)
    first = {name: facts[name] for name in ("field", "expected") if name in facts}
    if str(first.get("field", "")).startswith("."):
        first["pointer"] = _pointer(first["field"])
    shown = {
        "message": message,
        "status": status,
        "code": code,
        "type": f"/problems/{quote(code)}" if kind else "about:blank",
        "title": kind.title if kind else "Refused",
        "detail": message,
        "instance": f"/requests/{quote(getattr(g, 'request_id', 'none'), safe='')}",
        "errors": [first | {"message": message, "detail": message}],
        **extra,
    }
    return Response(json_text(shown), status=status, mimetype=MEDIA_TYPE)


def _pointer(field: str) -> str:
    """Return a field of ours as a JSON pointer into the body (RFC 6901), as a fragment.

    >>> _pointer(".values[0].name")
    '#/values/0/name'
    """
    parts = field.replace("[", ".").replace("]", "").strip(".").split(".")
    return "#/" + "/".join(quote(part.replace("~", "~0").replace("/", "~1")) for part in parts)
