"""/v1/webhooks: create, list, one, delete, try out (ping), and what became of the deliveries.

All of it needs a token that may write: a receiver's address is often a secret itself, so no guest gets to see one.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from pydantic import Field

from service import webhooks
from service.api.auth import caller, requires
from service.api.door import read, write
from service.api.wire import body, epoch, page, pagination, parse_id, refuse_unknown, reply
from service.errors import NotFoundError
from service.models import Attempt, Endpoint, Event
from service.schemas import fields

__all__ = ["blueprint"]

blueprint = Blueprint("webhooks", __name__)


class _New(fields.Strict):
    """The body of a create."""

    url: str
    experiment: Any = None
    event_types: list[str] = Field(default_factory=list)


@blueprint.post("/v1/webhooks")
@requires("write")
def create() -> Response:
    """Add an endpoint. This reply alone shows its secret."""
    given = fields.parse_model(_New, body())
    with write() as door:
        endpoint = webhooks.create(
            door.session,
            client_id=caller().client_id,
            experiment_id=_experiment(given),
            url=given.url,
            event_types=given.event_types,
            now=door.now,
            allowed_private_hosts=door.settings.allowed_private_hosts,
        )
        shown = {**_webhook(endpoint), "secret": endpoint.secret}
    return reply(shown)


@blueprint.get("/v1/webhooks")
@requires("write")
def recent() -> Response:
    """List the caller's endpoints, newest first."""
    asked, who = page(), caller()
    with read() as door:
        rows, count = webhooks.recent(
            door.session, client_id=who.client_id, limit=asked.limit, before=asked.before, only=who.experiment_id
        )
        shown = [_webhook(endpoint) for endpoint in rows]
    return reply(pagination(shown, count=count, page=asked))


@blueprint.get("/v1/webhooks/<webhook_id>")
@requires("write")
def one(webhook_id: str) -> Response:
    """Return one endpoint."""
    who, key = caller(), parse_id(webhook_id, "webhook")
    with read() as door:
        shown = _webhook(webhooks.find(door.session, key, client_id=who.client_id, only=who.experiment_id))
    return reply(shown)


@blueprint.delete("/v1/webhooks/<webhook_id>")
@requires("write")
def delete(webhook_id: str) -> Response:
    """Forget an endpoint."""
    who, key = caller(), parse_id(webhook_id, "webhook")
    with write() as door:
        webhooks.delete(door.session, key, client_id=who.client_id, only=who.experiment_id)
    return reply({})


@blueprint.post("/v1/webhooks/<webhook_id>/ping")
@requires("write")
def ping(webhook_id: str) -> Response:
    """Have an event delivered to this endpoint alone."""
    refuse_unknown(body(), ())
    who, key = caller(), parse_id(webhook_id, "webhook")
    with write() as door:
        event = webhooks.ping(door.session, key, client_id=who.client_id, now=door.now, only=who.experiment_id)
        shown = _event(event)
    return reply(shown)


@blueprint.get("/v1/webhooks/<webhook_id>/deliveries")
@requires("write")
def deliveries(webhook_id: str) -> Response:
    """List an endpoint's deliveries with every attempt, newest first."""
    asked, who, key = page(), caller(), parse_id(webhook_id, "webhook")
    with read() as door:
        endpoint = webhooks.find(door.session, key, client_id=who.client_id, only=who.experiment_id)
        told, count = webhooks.history(door.session, endpoint, limit=asked.limit, before=asked.before)
        shown = [_delivery(item) for item in told]
    return reply(pagination(shown, count=count, page=asked))


def _experiment(given: _New) -> int | None:
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
        "state": endpoint.state,
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


def _delivery(told: webhooks.Told) -> dict[str, Any]:
    return {
        "object": "delivery",
        "id": str(told.delivery.id),
        "event_type": told.event_type,
        "message_id": told.delivery.message_id,
        "state": told.delivery.state,
        "attempts": [_attempt(attempt) for attempt in told.attempts],
        "next_attempt": epoch(told.delivery.next_attempt_at),
        "created": epoch(told.delivery.created_at),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "object": "attempt",
        "number": attempt.number,
        "started": epoch(attempt.started_at),
        "duration_s": round(attempt.duration_s, 3),
        "status_code": attempt.status_code,
        "error": attempt.error,
    }
