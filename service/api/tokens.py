"""/v1/tokens and /v1/clients/CID/tokens: made, listed, looked at, renewed, rotated, ended; links for guests.

A reply shows a whole token only when it was made just now, or when the request itself named it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response

from service import clients, tokens
from service.api.auth import ANYBODY, caller, own_client, own_secret, requires
from service.api.door import Door, read, write
from service.api.experiments import found
from service.api.paging import window, windowed
from service.api.wire import body, choice, epoch, parse_id, refuse_unknown, reply
from service.errors import NotFoundError
from service.models import Project, Token, TrainingRun
from service.tokens import permission_of

__all__ = ["blueprint", "shown_token"]

blueprint = Blueprint("tokens", __name__)

#: What `token_type` of a list may say -> the kinds it shows.
_LISTED = {
    "": ("client-api", "client-dev"),
    "all": tokens.KINDS,
    **{kind: (kind,) for kind in tokens.KINDS},
}


def shown_token(door: Door, row: Token, secret: str | None = None) -> dict[str, Any]:
    """A token as SigOpt's clients read it, with its name, prefix and scopes beside."""
    scopes = frozenset(row.scopes)
    is_bound = row.experiment_id is not None or row.training_run_id is not None
    return {
        "object": "token",
        "id": str(row.id),
        "name": row.name,
        "prefix": row.prefix,
        "token": secret,
        "token_type": row.type,
        "permissions": permission_of(scopes),
        "scopes": row.scopes,
        "scope": "shared_experiment" if is_bound else "all_endpoints" if scopes else "signup",
        "all_experiments": not is_bound and row.project_id is None and bool(scopes),
        "development": row.type == "client-dev",
        "client": str(row.client_id),
        "project": _reference(door, row.project_id),
        "experiment": None if row.experiment_id is None else str(row.experiment_id),
        "training_run": None if row.training_run_id is None else str(row.training_run_id),
        "organization": None,
        "user": None,
        "created": epoch(row.created_at),
        "expires": epoch(row.expires_at),
        "lease_length": row.lease_s,
        "successor": None if row.successor_id is None else str(row.successor_id),
    }


def _reference(door: Door, project_id: int | None) -> str | None:
    if project_id is None:
        return None
    return door.session.scalars(sa.select(Project.reference).where(Project.id == project_id)).one()


@blueprint.post("/v1/clients/<client_id>/tokens")
@requires("admin")
def create(client_id: str) -> Response:
    """Make a token of a client. This reply alone shows it."""
    key, given = own_client(client_id, operated=True), body()
    with write() as door:
        clients.find(door.session, key)
        row, secret = tokens.create(door.session, given, client_id=key, by=caller(), now=door.now)
        shown = shown_token(door, row, secret)
    return reply(shown)


@blueprint.get("/v1/clients/<client_id>/tokens")
@requires("read")
def listed(client_id: str) -> Response:
    """List a client's tokens, newest first; `token_type` narrows them down, or widens them to guests' (`all`)."""
    key = own_client(client_id, operated=True)
    asked, kinds = window(), _LISTED[choice("token_type", tuple(_LISTED), default="")]
    with read() as door:
        clients.find(door.session, key)
        page, count = tokens.listed(door.session, asked, client_id=key, kinds=kinds, project_id=caller().project_id)
        shown = [shown_token(door, row) for row in page.rows]
    return reply(windowed(shown, page, count=count))


@blueprint.get("/v1/tokens/<token>")
@requires(ANYBODY, development=True)
def one(token: str) -> Response:
    """Return a token, named by itself, its id, its prefix or `self`."""
    with read() as door:
        row, secret = tokens.find(door.session, token, by=caller())
        shown = shown_token(door, row, own_secret() if token == "self" else secret)  # noqa: S105 a word, not a secret
    return reply(shown)


@blueprint.put("/v1/tokens/<token>")
@requires("write")
def update(token: str) -> Response:
    """Rotate a token (`token: "rotate"`, with `overlap_s`), renew it, keep it for ever, or rename it."""
    given = body()
    with write() as door:
        row, secret = tokens.find(door.session, token, by=caller())
        known = own_secret() if token == "self" else secret  # noqa: S105 a word, not a secret
        changed, new = tokens.update(door.session, row, given, by=caller(), now=door.now)
        shown = shown_token(door, changed, new or known)
    return reply(shown)


@blueprint.delete("/v1/tokens/<token>")
@requires("write")
def delete(token: str) -> Response:
    """End a token."""
    with write() as door:
        row, _ = tokens.find(door.session, token, by=caller())
        tokens.end(door.session, row, by=caller(), now=door.now)
    return reply({})


@blueprint.post("/v1/experiments/<experiment_id>/tokens")
@requires("write", development=False)
def share_experiment(experiment_id: str) -> Response:
    """Make a token that only reads this one experiment: for a link that can be shared."""
    refuse_unknown(body(), ())
    with write() as door:
        experiment = found(door, experiment_id)
        row, secret = tokens.share(
            door.session, client_id=experiment.client_id, experiment_id=experiment.id, now=door.now
        )
        shown = shown_token(door, row, secret)
    return reply(shown)


@blueprint.post("/v1/training_runs/<training_run_id>/tokens")
@requires("write", development=False)
def share_run(training_run_id: str) -> Response:
    """Make a token that only reads this one run."""
    refuse_unknown(body(), ())
    who, key = caller(), parse_id(training_run_id, "training run")
    with write() as door:
        run = door.session.get(TrainingRun, key)
        if run is None or run.client_id != who.client_id or who.project_id not in (None, run.project_id):
            raise NotFoundError(f"No training run {key}", training_run=str(key))
        row, secret = tokens.share(door.session, client_id=run.client_id, training_run_id=run.id, now=door.now)
        shown = shown_token(door, row, secret)
    return reply(shown)
