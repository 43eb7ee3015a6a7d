"""What every reply carries: the id of its request, what protects a browser, and leave for scripts of other sites."""

from __future__ import annotations

import re
import uuid
from typing import Final

from flask import Flask, Response, g, request

from service.api.query import refuse_nul

__all__ = ["register"]

#: No inline script or style, nothing from elsewhere: what a name of a metric may contain stays text.
_ALWAYS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: For the API alone, and without credentials of the browser's: a token has to be sent by whoever has it.
_ANY_ORIGIN: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, MERGE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, X-Response-Content, "
        "X-SigOpt-Python-Version"
    ),
    "Access-Control-Expose-Headers": "ETag, Idempotent-Replayed, Link, Location, Retry-After, X-Request-Id",
    "Access-Control-Max-Age": "86400",
}
_OPEN: Final = ("/v1/", "/openapi.json")
_REQUEST_ID: Final = re.compile(r"[!-~]{1,128}")


def register(app: Flask) -> None:
    """Have the app name every request, and add its headers to every reply."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    refuse_nul()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = getattr(g, "request_id", "none")
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith(_OPEN):
        response.headers.update(_ANY_ORIGIN)
    return response
