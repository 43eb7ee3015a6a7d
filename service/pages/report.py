"""The report of an experiment as a page: what the worker stored, laid out (last stop of a result's journey)."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, make_response, render_template, request, url_for

from service import experiments
from service.api.auth import caller, check_reach, requires
from service.api.door import read
from service.errors import NotFoundError
from service.pages import problems
from service.pages.layout import Link, page
from service.reports import read_model
from service.reports.figures import symbol

__all__ = ["blueprint"]

_HERE: Final = Path(__file__).parent
#: Digits of an id that every database can take.
_LONGEST_ID: Final = 18
_TIMES: Final = re.compile(rb"<time .*?</time>")

blueprint = Blueprint(
    "report",
    __name__,
    template_folder=str(_HERE / "templates"),
    static_folder=str(_HERE / "static"),
    static_url_path="/assets",
)
problems.register(blueprint)


@blueprint.get("/experiments/<experiment_id>/report")
@requires("read", page=True)
def report(experiment_id: str) -> Response:
    """Show what an experiment found; `?x=` and `?y=` choose the metrics of the plot."""
    wanted = _id(experiment_id)
    with read() as door:
        asking = caller()
        found = experiments.find(door.session, wanted, client_id=asking.client_id, only=asking.experiment_id)
        check_reach(found)
        made = read_model.read(door.session, found, now=door.now)
        redis_url = door.settings.redis_url
    context = page(made, x=request.args.get("x"), y=request.args.get("y"), link=_link(wanted), redis_url=redis_url)
    response = make_response(render_template("report.html", symbol=symbol, guest=request.args.get("guest"), **context))
    response.headers["Cache-Control"] = "private, no-cache"
    # An open report looks every few seconds: what says nothing new but the time is not sent again.
    response.set_etag(sha256(_TIMES.sub(b"", response.get_data())).hexdigest(), weak=True)
    response.make_conditional(request)
    return response


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise NotFoundError(f"No experiment {text[:40]}", experiment=text[:40])
    return int(text)


def _link(experiment_id: int) -> Link:
    """Return what makes the address of this page with other axes; a guest stays a guest."""
    guest = request.args.get("guest")
    return lambda x, y: url_for("report.report", experiment_id=experiment_id, x=x, y=y, guest=guest, _anchor="front")
