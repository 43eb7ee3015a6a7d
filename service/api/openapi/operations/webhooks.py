"""Webhooks: endpoints and what became of the deliveries to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.api.deliveries import ReplayWish
from service.api.openapi.operation import WALKS, Operation
from service.api.openapi.parameters import query, words
from service.api.webhooks import NewWebhook, SecretRotation, WebhookChange
from service.webhooks import DeliveryState

__all__ = ["OPERATIONS"]

_SECONDS: Final[dict[str, Any]] = {"type": "integer", "minimum": 0, "maximum": 253_402_300_799}
_NOTHING: Final[dict[str, Any]] = {"type": "object", "maxProperties": 0}

OPERATIONS: Final[Mapping[str, Operation]] = {
    "webhooks.create": Operation(
        reply="webhook",
        body=NewWebhook,
        example={"url": "https://example.org/hooks/tradespace", "event_types": ["front.changed"]},
    ),
    "webhooks.listed": Operation(page="webhook", query=WALKS),
    "webhooks.one": Operation(reply="webhook"),
    "webhooks.change": Operation(reply="webhook", body=WebhookChange, example={"state": "disabled"}),
    "webhooks.delete": Operation(),
    "webhooks.ping": Operation(reply="event", body=_NOTHING, example={}),
    "webhooks.rotate": Operation(reply="webhook", body=SecretRotation, example={"overlap_s": 3600}),
    "deliveries.deliveries": Operation(
        page="delivery",
        query=(
            *WALKS,
            words("state", "Only these.", *(state.value for state in DeliveryState)),
            query("event_type", "Only of this event."),
            query("since", "Made at this time or later, in seconds since 1970.", _SECONDS),
            query("until", "Made before this time.", _SECONDS),
        ),
    ),
    "deliveries.one": Operation(reply="delivery"),
    "deliveries.replay": Operation(reply="delivery", body=_NOTHING, example={}),
    "deliveries.replay_failed": Operation(reply="replay", body=ReplayWish, example={"since": 1790000000}),
}
