"""Endpoints, and what was sent to them."""

from __future__ import annotations

from typing import Final

from service.api.openapi.shapes import (
    ID,
    NUMBER,
    TIME,
    WHOLE,
    Schema,
    at_times,
    list_of,
    nullable,
    one_of,
    ref,
    some,
    text,
    thing,
)

__all__ = ["COMPONENTS"]

COMPONENTS: Final[dict[str, Schema]] = {
    "webhook": thing(
        "webhook",
        "An address that wants to be told. Its secret is shown when it is made.",
        id=ID,
        url=text("https://example.org/hooks/tradespace"),
        experiment=nullable(ID),
        event_types=list_of(text("front.changed"), "None: every event."),
        description=nullable(text("the pricing page")),
        state=one_of("active", "disabled"),
        failing_since=nullable(TIME),
        old_secret_until=nullable(TIME),
        created=TIME,
        secret=at_times(text("whsec_…")),
    ),
    "event": thing(
        "event", "Something that happened.", id=ID, type=text("webhook.ping"), experiment=nullable(ID), created=TIME
    ),
    "delivery": thing(
        "delivery",
        "One event on its way to one endpoint.",
        id=ID,
        event_type=text("front.changed"),
        message_id=text("msg_2f1c"),
        state=text("delivered"),
        attempts=list_of(ref("attempt")),
        next_attempt=nullable(TIME),
        created=TIME,
    ),
    "attempt": thing(
        "attempt",
        "One try of a delivery.",
        number=some("integer", 1),
        started=TIME,
        duration_s=NUMBER,
        status_code=nullable(some("integer", 200)),
        error=nullable(text("timed out")),
    ),
    "replay": thing("replay", "How many deliveries are sent again.", webhook=ID, count=WHOLE),
}
