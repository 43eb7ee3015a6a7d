"""Webhooks: who wants to be told, what is on its way to them, and how it is signed and sent.

The journey: an event is recorded with a change -> tasks.relay: `fan_out` makes a delivery for each endpoint that wants
it -> tasks.deliver: `claim_due`, `post` (signed, only to addresses that may be called), `record_outcome`.
"""

from service.webhooks.calls import DEADLINE_S, post
from service.webhooks.claims import Prepared, claim_due, has_due
from service.webhooks.delivery import Told, fan_out, history, record_outcome, replay
from service.webhooks.endpoints import DeliveryState, EndpointState, create, delete, find, ping, recent
from service.webhooks.outcomes import Failed, Outcome, Succeeded

__all__ = [
    "DEADLINE_S",
    "DeliveryState",
    "EndpointState",
    "Failed",
    "Outcome",
    "Prepared",
    "Succeeded",
    "Told",
    "claim_due",
    "create",
    "delete",
    "fan_out",
    "find",
    "has_due",
    "history",
    "ping",
    "post",
    "recent",
    "record_outcome",
    "replay",
]
