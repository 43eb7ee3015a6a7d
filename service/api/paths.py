"""How the segments of paths are told apart: a word of ours is never somebody's id."""

from __future__ import annotations

from typing import Any, Final

from flask import Flask
from werkzeug.routing import Map, UnicodeConverter

__all__ = ["register"]

#: What stands where ids stand, too: POST alone goes there, other methods ask for no object of this name.
_WORDS: Final = ("batch", "import")


class _Segment(UnicodeConverter):
    def __init__(self, map: Map, *args: Any, **options: Any) -> None:  # noqa: A002 as Werkzeug calls it
        super().__init__(map, *args, **options)
        self.regex = rf"(?!(?:{'|'.join(_WORDS)})$){self.regex}"


def register(app: Flask) -> None:
    """Have every plain variable of a path pass those words over. To be called before there are routes."""
    app.url_map.converters["default"] = _Segment
