"""Leave for scripts of other sites to use the API: with a token that they have, never with what a browser keeps.

By default any origin may, since a token travels in a header that no browser adds by itself; `cors_origins` narrows it
down. Cookies open pages only, and credentials are never allowed here.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request

from service.api.door import services

__all__ = ["add"]

_LEAVE: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, MERGE, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id, X-Response-Content, "
        "X-SigOpt-Python-Version"
    ),
    "Access-Control-Expose-Headers": (
        "ETag, Idempotent-Replayed, Link, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
        "Retry-After, X-Request-Id"
    ),
    "Access-Control-Max-Age": "86400",
}
_OPEN: Final = ("/v1/", "/openapi.json")


def add(response: Response) -> None:
    """Add the headers that let the caller's site read this reply, if it may."""
    if not request.path.startswith(_OPEN):
        return
    allowed, origin = services().settings.allowed_origins, request.headers.get("Origin")
    if "*" in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*"
    else:
        response.vary.add("Origin")  # a cache must not give one site what was said to another
        if origin not in allowed:
            return
        response.headers["Access-Control-Allow-Origin"] = origin
    response.headers.update(_LEAVE)
