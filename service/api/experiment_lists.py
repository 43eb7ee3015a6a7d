"""Lists of experiments: a client's, those of a project, those of an organization, which is a client's other name here.

There are no users here, so nobody's experiments can be listed by who made them: /v1/users/UID/experiments finds no such
user (service.api.sessions), rather than an empty list, which would say that there is one and that he made none. `user=`
filters them all out for the same reason.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, Response, request

from service import experiments
from service.api.auth import caller, own_client, requires
from service.api.door import Door, read
from service.api.experiments import shown_in_list
from service.api.paging import window, windowed
from service.api.projects import found_project
from service.api.wire import asks_for_a_user, choice, reply, truth, whole_number
from service.errors import InvalidInputError
from service.models import Project

__all__ = ["blueprint", "search"]

blueprint = Blueprint("experiment_lists", __name__)

#: A time after every experiment: what lies beyond is the same to a list.
_LATEST_S: Final = 253_370_764_800


@blueprint.get("/v1/experiments")
@requires("read")
def mine() -> Response:
    """List the caller's experiments, newest first unless it asks for another order."""
    with read() as door:
        shown = _listed(door, _asked_project(door))
    return reply(shown)


@blueprint.get("/v1/clients/<client_id>/experiments")
@requires("read")
def of_client(client_id: str) -> Response:
    """List a client's experiments."""
    own_client(client_id)
    return mine()


@blueprint.get("/v1/clients/<client_id>/projects/<project_id>/experiments")
@requires("read")
def of_project(client_id: str, project_id: str) -> Response:
    """List a project's experiments."""
    with read() as door:
        shown = _listed(door, found_project(door, client_id, project_id))
    return reply(shown)


@blueprint.get("/v1/organizations/<organization_id>/experiments")
@requires("read")
def of_organization(organization_id: str) -> Response:
    """List the experiments of an organization: each client is one of its own, with the same id."""
    own_client(organization_id)
    return mine()


def _listed(door: Door, project: Project | None) -> dict[str, Any]:
    who = caller()
    since, until = _period()
    listing = experiments.Listing(
        window=window(),
        sort=choice("sort", tuple(experiments.SORTS), default="id"),
        state=choice("state", ("active", "deleted", "all"), default="active"),
        search=search(),
        since=since,
        until=until,
        development=True if who.development else _truth_or_none("development"),
        runs_only=None if truth("include_ai") else False,
        project_id=who.project_id if project is None else project.id,
        nobody=asks_for_a_user(),
    )
    page, count = experiments.listed(door.session, listing, client_id=who.client_id, only=who.experiment_id)
    return windowed(shown_in_list(door, page.rows), page, count=count)


def _asked_project(door: Door) -> Project | None:
    """Return the project of the query: one that there is, as in a path."""
    reference = request.args.get("project")
    return None if reference is None else found_project(door, str(caller().client_id), reference)


def _truth_or_none(name: str) -> bool | None:
    return truth(name) if name in request.args else None


def _period() -> tuple[datetime | None, datetime | None]:
    """Read from when on, and until when, experiments were made; in whole seconds, the end left out."""
    since, until = whole_number("period_start"), whole_number("period_end")
    if since is not None and until is not None and until < since:
        message = f"period_end must not lie before period_start: got {until} and {since}"
        raise InvalidInputError(message, field="period_end", expected="period_start or later")
    return _moment(since), _moment(until)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(min(seconds, _LATEST_S), tz=UTC)


def search() -> str:
    """Read a part of a name: no longer than names are. Spaces around it are not part of it."""
    text = request.args.get("search", "").strip()
    if len(text) > 100:
        message = f"Invalid search: {text[:40]!a}, expected a part of a name, up to 100 characters"
        raise InvalidInputError(message, field="search", expected="up to 100 characters")
    return text
