"""/v1/webhooks: create, list, one, change, delete, another secret, try out (ping).

All of it needs a token that may write: a receiver's address is often a secret itself, so no guest gets to see one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from flask import Blueprint, Response
from pydantic import Field

from service import webhooks
from service.api.auth import caller, requires
from service.api.door import read, services, write
from service.api.paging import window, windowed
from service.api.wire import body, epoch, parse_id, refuse_unknown, reply
from service.errors import NotFoundError
from service.models import Endpoint, Event
from service.schemas import fields
from service.sealing import Seal

__all__ = ["NewWebhook", "SecretRotation", "WebhookChange", "blueprint"]

blueprint = Blueprint("webhooks", __name__)


#: How long the old secret signs too, if the caller does not say.
_OVERLAP_S: Final = 24 * 3600
_Description = Annotated[str, Field(max_length=500)]


class NewWebhook(fields.Strict):
    """The body of a create."""

    url: str
    experiment: Any = None
    event_types: list[str] = Field(default_factory=list)
    description: _Description | None = None


class WebhookChange(fields.Strict):
    """The body of a change: what is not named stays."""

    url: str | None = None
    event_types: list[str] | None = None
    state: Literal["active", "disabled"] | None = None
    description: _Description | None = None


class SecretRotation(fields.Strict):
    """The body that asks for another secret."""

    overlap_s: Annotated[int, Field(ge=0, le=int(webhooks.LONGEST_OVERLAP.total_seconds()))] = _OVERLAP_S


@blueprint.post("/v1/webhooks")
@requires("write", for_project=False)
def create() -> Response:
    """Add an endpoint. This reply alone shows its secret."""
    given, seal = fields.parse_model(NewWebhook, body()), Seal.of(services().settings)
    with write() as door:
        endpoint = webhooks.create(
            door.session,
            client_id=caller().client_id,
            experiment_id=_experiment(given),
            url=given.url,
            event_types=given.event_types,
            description=given.description,
            now=door.now,
            allowed_private_hosts=door.settings.allowed_private_hosts,
            seal=seal,
        )
        shown = {**_webhook(endpoint), "secret": seal.opened(endpoint.secret)}
    return reply(shown)


@blueprint.get("/v1/webhooks")
@requires("write", for_project=False)
def listed() -> Response:
    """List the caller's endpoints, newest first."""
    asked, who = window(), caller()
    with read() as door:
        page, count = webhooks.listed(door.session, asked, client_id=who.client_id, only=who.experiment_id)
        shown = [_webhook(endpoint) for endpoint in page.rows]
    return reply(windowed(shown, page, count=count))


@blueprint.get("/v1/webhooks/<webhook_id>")
@requires("write", for_project=False)
def one(webhook_id: str) -> Response:
    """Return one endpoint."""
    who, key = caller(), parse_id(webhook_id, "webhook")
    with read() as door:
        shown = _webhook(webhooks.find(door.session, key, client_id=who.client_id, only=who.experiment_id))
    return reply(shown)


@blueprint.put("/v1/webhooks/<webhook_id>")
@requires("write", for_project=False)
def change(webhook_id: str) -> Response:
    """Change what the body names; `state: "active"` switches one on again that was given up."""
    given, who, key = fields.parse_model(WebhookChange, body()), caller(), parse_id(webhook_id, "webhook")
    asked = webhooks.Change(
        url=given.url,
        event_types=None if given.event_types is None else tuple(given.event_types),
        state=None if given.state is None else webhooks.EndpointState(given.state),
        describes="description" in given.model_fields_set,
        description=given.description,
    )
    with write() as door:
        hosts = door.settings.allowed_private_hosts
        row = webhooks.change(
            door.session, key, asked, client_id=who.client_id, allowed_private_hosts=hosts, only=who.experiment_id
        )
        shown = _webhook(row)
    return reply(shown)


@blueprint.post("/v1/webhooks/<webhook_id>/rotate")
@requires("write", for_project=False)
def rotate(webhook_id: str) -> Response:
    """Make another secret, which this reply alone shows; for `overlap_s` seconds the old one signs too."""
    given, who, key = fields.parse_model(SecretRotation, body()), caller(), parse_id(webhook_id, "webhook")
    seal = Seal.of(services().settings)
    with write() as door:
        row = webhooks.rotate(
            door.session,
            key,
            client_id=who.client_id,
            overlap=timedelta(seconds=given.overlap_s),
            now=door.now,
            seal=seal,
            only=who.experiment_id,
        )
        shown = {**_webhook(row), "secret": seal.opened(row.secret)}
    return reply(shown)


@blueprint.delete("/v1/webhooks/<webhook_id>")
@requires("write", for_project=False)
def delete(webhook_id: str) -> Response:
    """Forget an endpoint."""
    who, key = caller(), parse_id(webhook_id, "webhook")
    with write() as door:
        webhooks.delete(door.session, key, client_id=who.client_id, only=who.experiment_id)
    return reply({})


@blueprint.post("/v1/webhooks/<webhook_id>/ping")
@requires("write", for_project=False)
def ping(webhook_id: str) -> Response:
    """Have an event delivered to this endpoint alone."""
    refuse_unknown(body(), ())
    who, key = caller(), parse_id(webhook_id, "webhook")
    with write() as door:
        event = webhooks.ping(door.session, key, client_id=who.client_id, now=door.now, only=who.experiment_id)
        shown = _event(event)
    return reply(shown)


def _experiment(given: NewWebhook) -> int | None:
    """Return the experiment asked for; a token for one experiment means that one, and knows no other."""
    asked = None if given.experiment is None else fields.parse_id(given.experiment, ".experiment")
    bound = caller().experiment_id
    if bound is not None and asked not in {None, bound}:
        raise NotFoundError(f"No experiment {asked}", experiment=str(asked))
    return bound if asked is None else asked


def _webhook(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "object": "webhook",
        "id": str(endpoint.id),
        "url": endpoint.url,
        "experiment": None if endpoint.experiment_id is None else str(endpoint.experiment_id),
        "event_types": endpoint.event_types,
        "description": endpoint.description,
        "state": endpoint.state,
        "failing_since": epoch(endpoint.failing_since),
        "old_secret_until": epoch(endpoint.old_secret_until),
        "created": epoch(endpoint.created_at),
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "object": "event",
        "id": str(event.id),
        "type": event.type,
        "experiment": None if event.experiment_id is None else str(event.experiment_id),
        "created": epoch(event.created_at),
    }
