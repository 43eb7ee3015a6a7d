"""/v1/webhooks/ID/deliveries: what became of what was sent, and sending it again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from flask import Blueprint, Response, request
from pydantic import Field

from service import webhooks
from service.api.auth import caller, requires
from service.api.door import Door, read, write
from service.api.paging import window, windowed
from service.api.wire import body, epoch, parse_id, refuse_unknown, reply
from service.errors import InvalidInputError
from service.models import Attempt, Endpoint
from service.schemas import fields

__all__ = ["ReplayWish", "blueprint"]

blueprint = Blueprint("deliveries", __name__)

#: Beyond this there are no dates.
_LATEST: Final = 253_402_300_799
_STATES: Final = tuple(state.value for state in webhooks.DeliveryState)


class ReplayWish(fields.Strict):
    """The body that asks for all that was lost to be sent again."""

    since: Annotated[int, Field(ge=0, le=_LATEST)] | None = None


@blueprint.get("/v1/webhooks/<webhook_id>/deliveries")
@requires("write", for_project=False)
def deliveries(webhook_id: str) -> Response:
    """List an endpoint's deliveries with every attempt, newest first, of a state, a type, a time."""
    wanted, narrowed = window(), _asked()
    with read() as door:
        page, count = webhooks.history(door.session, _found(door, webhook_id), wanted, asked=narrowed)
        shown = [_delivery(item) for item in page.rows]
    return reply(windowed(shown, page, count=count))


def _asked() -> webhooks.Asked:
    state = request.args.get("state")
    if state is not None and state not in _STATES:
        expected = ", ".join(_STATES)
        raise InvalidInputError(f"Invalid state: {state[:40]}, expected {expected}", field="state", expected=expected)
    return webhooks.Asked(
        state=None if state is None else webhooks.DeliveryState(state),
        event_type=request.args.get("event_type"),
        since=_moment("since"),
        until=_moment("until"),
    )


def _moment(name: str) -> datetime | None:
    """Read a time of the query in whole seconds since 1970."""
    text = request.args.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) > _LATEST:
        message = f"Invalid {name}: {text[:40]}, expected seconds since 1970"
        raise InvalidInputError(message, field=name, expected="seconds since 1970")
    return datetime.fromtimestamp(int(text), UTC)


@blueprint.get("/v1/webhooks/<webhook_id>/deliveries/<delivery_id>")
@requires("write", for_project=False)
def one(webhook_id: str, delivery_id: str) -> Response:
    """Return one delivery with every attempt."""
    key = parse_id(delivery_id, "delivery")
    with read() as door:
        shown = _delivery(webhooks.one_of(door.session, _found(door, webhook_id), key))
    return reply(shown)


@blueprint.post("/v1/webhooks/<webhook_id>/deliveries/<delivery_id>/replay")
@requires("write", for_project=False)
def replay(webhook_id: str, delivery_id: str) -> Response:
    """Send a delivery again from the start of the schedule, under the same message id."""
    refuse_unknown(body(), ())
    who, key = caller(), parse_id(webhook_id, "webhook")
    number = parse_id(delivery_id, "delivery")
    with write() as door:
        told = webhooks.replay(
            door.session, number, endpoint_id=key, client_id=who.client_id, now=door.now, only=who.experiment_id
        )
        shown = _delivery(told)
    return reply(shown)


@blueprint.post("/v1/webhooks/<webhook_id>/replay")
@requires("write", for_project=False)
def replay_failed(webhook_id: str) -> Response:
    """Send again what never arrived: all of it, or what was made at `since` or later."""
    given, who, key = fields.parse_model(ReplayWish, body()), caller(), parse_id(webhook_id, "webhook")
    since = None if given.since is None else datetime.fromtimestamp(given.since, UTC)
    with write() as door:
        count = webhooks.replay_failed(
            door.session, key, client_id=who.client_id, now=door.now, since=since, only=who.experiment_id
        )
    return reply({"object": "replay", "webhook": str(key), "count": count})


def _found(door: Door, webhook_id: str) -> Endpoint:
    who = caller()
    key = parse_id(webhook_id, "webhook")
    return webhooks.find(door.session, key, client_id=who.client_id, only=who.experiment_id)


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
