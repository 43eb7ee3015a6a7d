"""Suggestions: queued by people, pooled by workers, claimed by producers, kept by leases, closed by results."""

from __future__ import annotations

from service.suggestions.changes import delete, delete_all, delete_queued, update
from service.suggestions.claims import claim, claim_many, claimed_before, claimed_together
from service.suggestions.leases import LONGEST_LEASE_S, expire, expiring, heartbeat
from service.suggestions.making import Asked, enqueue, explicit
from service.suggestions.pool import Proposal, is_pool_coming, is_searched, refill
from service.suggestions.reading import STATES, find, find_queued, listed, queue

__all__ = [
    "LONGEST_LEASE_S",
    "STATES",
    "Asked",
    "Proposal",
    "claim",
    "claim_many",
    "claimed_before",
    "claimed_together",
    "delete",
    "delete_all",
    "delete_queued",
    "enqueue",
    "expire",
    "expiring",
    "explicit",
    "find",
    "find_queued",
    "heartbeat",
    "is_pool_coming",
    "is_searched",
    "listed",
    "queue",
    "refill",
    "update",
]
