"""/docs: the API to read and to try out; /problems/CODE: what a refusal means and what to do about it.

Both ask for no token. Swagger UI's files come from the wheel that ships them (docs/decisions/0010): nothing is fetched
from elsewhere, and no inline script or style is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import flask_openapi_swagger
from flask import Blueprint, Response, abort, make_response, render_template, send_from_directory

from service.api.problems import PROBLEMS

__all__ = ["blueprint"]

_SWAGGER: Final = Path(flask_openapi_swagger.__file__).parent / "templates" / "swagger"
#: The address of a file -> where the wheel has it.
_FILES: Final = {"swagger-ui.css": "css/swagger-ui.css", "swagger-ui-bundle.js": "js/swagger-ui-bundle.js"}
#: The files change with the wheel alone, and an ETag says when they did.
_KEPT_S: Final = 3600

blueprint = Blueprint("docs", __name__, template_folder=str(Path(__file__).parent / "templates"))


@blueprint.get("/docs")
def docs() -> Response:
    """Show every operation of the API, with a form to try each."""
    return make_response(render_template("docs.html"))


@blueprint.get("/docs/<name>")
def file(name: str) -> Response:
    """Hand out a file of Swagger UI."""
    if name not in _FILES:
        abort(404)
    return send_from_directory(_SWAGGER, _FILES[name], max_age=_KEPT_S)


@blueprint.get("/problems")
def problems() -> Response:
    """List the kinds of refusals."""
    return make_response(render_template("problems.html", problems=PROBLEMS.values()))


@blueprint.get("/problems/<code>")
def problem(code: str) -> Response:
    """Say what a refusal means: where the `type` of a problem leads."""
    if code not in PROBLEMS:
        abort(404)
    return make_response(render_template("problems.html", problems=[PROBLEMS[code]], code=code))
