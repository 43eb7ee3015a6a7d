"""The list of a client's experiments, with a link to each report."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, request

from service import experiments
from service.api.auth import caller, requires
from service.api.door import read
from service.pages import problems
from service.pages.login import signed_in_as
from service.paging import Window
from service.reports.read_model import front_sizes

__all__ = ["blueprint"]

#: The newest experiments; older ones are found by the API.
LISTED = 100

blueprint = Blueprint("index", __name__, template_folder=str(Path(__file__).parent / "templates"))
problems.register(blueprint)


@blueprint.get("/")
@requires("read", page=True)
def index() -> Response:
    """Show the caller's newest experiments."""
    with read() as door:
        asking = caller()
        wanted = experiments.Listing(
            window=Window(limit=LISTED), project_id=asking.project_id, development=asking.development
        )
        page, count = experiments.listed(door.session, wanted, client_id=asking.client_id, only=asking.experiment_id)
        visitor = signed_in_as(door, asking)
        ids = [experiment.id for experiment in page.rows]
        progress = experiments.progress(door.session, ids)
        sizes = front_sizes(door.session, ids)
    lines = [(experiment, progress.get(experiment.id), sizes.get(experiment.id, 0)) for experiment in page.rows]
    words = render_template("index.html", lines=lines, count=count, visitor=visitor, guest=request.args.get("guest"))
    response = make_response(words)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
