"""What every reply carries: the id of its request, what protects a browser, and leave for scripts of other sites."""

from __future__ import annotations

import re
import uuid
from typing import Final

from flask import Flask, Response, g, request

from service.api import conditional, cors
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
#: Bytes of a body that brings many things at once: ten thousand runs.
LARGEST_BATCH: Final = 32 * 1024 * 1024
_REQUEST_ID: Final = re.compile(r"[!-~]{1,128}")


def register(app: Flask) -> None:
    """Have the app name every request, and add its headers to every reply."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    if request.path.endswith("/batch"):
        request.max_content_length = LARGEST_BATCH
    refuse_nul()


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = getattr(g, "request_id", "none")
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    cors.add(response)
    return conditional.unless_seen(response)
