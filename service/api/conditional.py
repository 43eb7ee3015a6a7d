"""ETag, If-None-Match, If-Match: what was seen is not sent again, and what changed since is not overwritten.

A tag has two halves, `"settings.all"`. A copy is current while both are the same. A change that says `If-Match` goes
through while the first half is: an experiment can be edited although results keep coming in, and not although somebody
else has edited it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, Final, cast

from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from service.errors import PreconditionError

__all__ = ["check", "is_asked", "is_looking", "tagged", "unless_seen"]

#: What changes of itself, without anybody editing the object.
_BY_ITSELF: Final = frozenset(("progress", "updated", "experiment_count", "training_run_count", "checkpoint_count"))
_CHANGES: Final = frozenset(("PUT", "DELETE", "MERGE"))


def tagged(response: Response, value: Mapping[str, Any]) -> Response:
    """Give a reply the tag of the state that it shows."""
    whole = _digest(response.get_data())
    response.set_etag(f"{_settings(value) or whole}.{whole}")
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response


def unless_seen(response: Response) -> Response:
    """Leave the body out for somebody who has this state already."""
    tag = response.get_etag()[0] if "If-None-Match" in request.headers else None
    if tag and response.status_code == 200 and request.if_none_match.contains_weak(tag):
        response.status_code = 304
        response.set_data(b"")
    return response


def _settings(value: Mapping[str, Any]) -> str | None:
    """Return the digest of what is only changed by somebody; None where that is all there is."""
    if not _BY_ITSELF & value.keys():
        return None
    settings = {name: part for name, part in value.items() if name not in _BY_ITSELF}
    return _digest(json.dumps(settings, sort_keys=True).encode())


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=8).hexdigest()


def is_asked() -> bool:
    """Whether this request is a change that depends on the state its sender has seen."""
    return request.method in _CHANGES and bool(request.if_match) and not request.if_match.star_tag


def is_looking() -> bool:
    """Whether a view is run to see the state of an object, on behalf of another request."""
    return bool(getattr(g, "looking", False))


def check() -> None:
    """Raise unless the object of this path is still as the sender of `If-Match` has seen it.

    To be called where nobody else can change it: inside the transaction that will, after its first lock.
    """
    tag = _current()
    settings = tag.partition(".")[0]
    seen = {(one or "").partition(".")[0] for one in request.if_match.as_set()}
    if not settings or settings not in seen:
        message = "This was changed since you read it: read it again, and decide anew"
        raise PreconditionError(message, field="If-Match", expected=f'"{tag}"')


def _current() -> str:
    """Return the tag that a GET of the same path would answer with; without one there is nothing to compare."""
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return ""
    try:
        endpoint, arguments = adapter.match(method="GET")
    except HTTPException:
        return ""
    with _look():
        response = cast("Response", current_app.view_functions[endpoint](**arguments))
    return response.get_etag()[0] or ""


@contextmanager
def _look() -> Iterator[None]:
    g.looking = True
    try:
        yield
    finally:
        g.looking = False
