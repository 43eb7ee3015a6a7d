"""Webhooks: who wants to be told, what is on its way to them, and how it is signed and sent.

The journey: an event is recorded with a change -> tasks.relay: `fan_out` makes a delivery for each endpoint that wants
it -> tasks.deliver: `claim_due`, `post` (signed, only to addresses that may be called), `record_outcome`.
"""

from service.webhooks.calls import DEADLINE_S, post
from service.webhooks.changes import LONGEST_OVERLAP, Change, change, rotate
from service.webhooks.claims import Prepared, claim_due, has_due
from service.webhooks.delivery import fan_out, record_outcome
from service.webhooks.endpoints import DeliveryState, EndpointState, create, delete, delete_all, find, listed, ping
from service.webhooks.history import Asked, Told, history, one_of, replay, replay_failed
from service.webhooks.outcomes import Failed, Outcome, Succeeded
from service.webhooks.sealed import Standing, reseal, standing

__all__ = [
    "DEADLINE_S",
    "LONGEST_OVERLAP",
    "Asked",
    "Change",
    "DeliveryState",
    "EndpointState",
    "Failed",
    "Outcome",
    "Prepared",
    "Standing",
    "Succeeded",
    "Told",
    "change",
    "claim_due",
    "create",
    "delete",
    "delete_all",
    "fan_out",
    "find",
    "has_due",
    "history",
    "listed",
    "one_of",
    "ping",
    "post",
    "record_outcome",
    "replay",
    "replay_failed",
    "reseal",
    "rotate",
    "standing",
]
