"""Replies: JSON as SigOpt wrote it, with links to the neighbouring pages and a tag that says which state it shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, request

from service.api import conditional
from service.api.jsontext import indented
from service.api.projection import projected

__all__ = ["epoch", "json_text", "reply"]

#: So that a reply that lands in a page by mistake is still text.
_ESCAPES: Final = str.maketrans({"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"})


def reply(value: Mapping[str, Any], status: int = 200) -> Response:
    """Return `value` as JSON, or nothing at all where the caller said that it does not look at it."""
    if status >= 300:
        return Response(json_text(value), status=status, mimetype="application/json")
    if request.headers.get("X-Response-Content") == "skip" and not conditional.is_looking():
        return Response(status=204)
    response = Response(json_text(projected(value)), status=status, mimetype="application/json")
    if value.get("object") == "pagination":
        _link(response, value["paging"])
    looks = request.method in ("GET", "HEAD") or conditional.is_looking()
    return conditional.tagged(response, value) if looks else response


def json_text(value: Mapping[str, Any]) -> str:
    """Return `value` as the text of a reply.

    >>> json_text({})
    '{}\\n'
    """
    text = indented(value)
    if "<" in text or ">" in text or "&" in text:  # to translate a text costs a third of writing it
        text = text.translate(_ESCAPES)
    return text + "\n"


def epoch(at: datetime | None) -> int | None:
    """Return a time in whole seconds since 1970."""
    return None if at is None else int(at.timestamp())


def _link(response: Response, paging: Mapping[str, str | None]) -> None:
    """Say where the walk goes on, and where it came from (RFC 8288); relative, since proxies may change the rest."""
    goes_up = "after" in request.args or request.args.get("ascending", "").lower() in ("1", "true")
    onward, back = ("after", "before") if goes_up and "before" not in request.args else ("before", "after")
    if paging[onward] is not None:
        response.headers.add("Link", f'<{_page_at(onward, paging)}>; rel="next"')
    if paging[back] is not None and {"before", "after"} & set(request.args):
        response.headers.add("Link", f'<{_page_at(back, paging)}>; rel="prev"')


def _page_at(way: str, paging: Mapping[str, str | None]) -> str:
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in ("before", "after")]
    return "?" + urlencode([*kept, (way, paging[way] or "")])
