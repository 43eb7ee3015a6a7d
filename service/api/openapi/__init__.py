"""The API described by itself: /openapi.json, made from the code, and committed as docs/contracts/openapi.json.

`operations/` has one table a resource: a view that is in none of them fails a test. `make openapi` writes the copy.
"""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any, Final, cast

from flask import Blueprint, Flask, Response, current_app

from service.api.openapi.document import described_rules, document
from service.api.wire import reply

__all__ = ["as_text", "blueprint", "described_by", "described_rules", "document"]

blueprint = Blueprint("openapi", __name__)

_KEPT: Final = "tradespace-openapi"


@blueprint.get("/openapi.json")
def described() -> Response:
    """Return this document. It asks for no token: what can be asked for is no secret, only the answers are."""
    return reply(described_by(current_app))


def described_by(app: Flask) -> dict[str, Any]:
    """Return the document of an app, which is made once."""
    if _KEPT not in app.extensions:
        app.extensions[_KEPT] = document(app, version=metadata.version("tradespace-server"))
    return cast("dict[str, Any]", app.extensions[_KEPT])


def as_text(app: Flask) -> str:
    """Return the document as it is committed."""
    return json.dumps(described_by(app), indent=2, ensure_ascii=False) + "\n"
