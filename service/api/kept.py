"""Replies that are kept as long as what they show: who asks the same again gets them for the price of one look.

An experiment's version rises with every change of it and of all that belongs to it (service.refreshes.hold). A reply
that was made of an experiment alone is right while the version is, so it is kept with it, and the version is what is
looked up. Nothing is ever old: a reply of another version is not used. Each process keeps its own, the last used ones.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from typing import Final, ParamSpec, cast

from flask import Flask, Response, current_app, g, request
from werkzeug.datastructures import Headers

from service.api import conditional
from service.api.auth import seen_version

__all__ = ["EXTENSION", "Kept", "Replies", "kept", "not_this_time", "register"]

P = ParamSpec("P")

EXTENSION: Final = "tradespace-replies"
#: Bytes of bodies that a process keeps, and of the largest one.
MOST_BYTES: Final = 32 * 1024 * 1024
LARGEST: Final = 256 * 1024


@dataclass(frozen=True)
class Kept:
    """A reply of status 200, and the version of the experiment that it shows."""

    version: int
    body: bytes
    headers: Headers


class Replies:
    """The replies that this process keeps: the last used ones, up to so many bytes. For any number of threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, key: Hashable, version: int) -> Kept | None:
        """Return the reply of this version, if it is here."""
        with self._lock:
            found = self._kept.get(key)
            if found is None or found.version != version:
                return None
            self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, new: Kept) -> None:
        """Keep a reply in the place of the older one; what was not used for longest makes room."""
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes += len(new.body) - (0 if old is None else len(old.body))
            self._kept[key] = new
            while self._bytes > self._most_bytes:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone.body)


def register(app: Flask) -> None:
    """Give the app its kept replies."""
    app.extensions[EXTENSION] = Replies()


def kept(view: Callable[P, Response]) -> Callable[P, Response]:
    """Keep what a view replies, until its experiment's version rises.

    For views inside `requires` whose reply to a GET follows from the caller, the address, and what belongs to the
    experiment of the path, and from nothing else: neither from the time nor from the headers.
    """

    @wraps(view)
    def keeping(*args: P.args, **kwargs: P.kwargs) -> Response:
        if not _is_plain():
            return view(*args, **kwargs)
        version = seen_version()  # seen before anything else of it: a reply may be newer than its version, never older
        if version is None:
            return view(*args, **kwargs)
        replies = cast("Replies", current_app.extensions[EXTENSION])
        key = (request.full_path, g.caller)
        found = replies.get(key, version)
        if found is not None:
            return Response(found.body, headers=Headers(found.headers))  # a copy: each request adds its own
        g.keep = True
        response = view(*args, **kwargs)
        if g.keep and response.status_code == 200 and len(response.get_data()) <= LARGEST:
            replies.put(key, Kept(version, response.get_data(), Headers(response.headers)))
        return response

    keeping.is_kept = True  # type: ignore[attr-defined]
    return keeping


def not_this_time() -> None:
    """Say, inside a view, that this reply is not one to keep: it shows less than the next one may."""
    g.keep = False


def _is_plain() -> bool:
    """Whether somebody looks, and wants to see it."""
    skips = request.headers.get("X-Response-Content") == "skip"
    return request.method in ("GET", "HEAD") and not skips and not conditional.is_looking()
