"""Observations: what was measured. Stored exactly once, corrected with a history, looked up in any order."""

from __future__ import annotations

from service.observations.corrections import delete, delete_all, history, restore, update
from service.observations.counts import best_id
from service.observations.reading import best, ends, ends_of, find, found, generation_of, listed, of_configurations
from service.observations.stopping import consumed, stopping_criteria
from service.observations.store import Duplicate, Outcome, Refused, Stored, store

__all__ = [
    "Duplicate",
    "Outcome",
    "Refused",
    "Stored",
    "best",
    "best_id",
    "consumed",
    "delete",
    "delete_all",
    "ends",
    "ends_of",
    "find",
    "found",
    "generation_of",
    "history",
    "listed",
    "of_configurations",
    "restore",
    "stopping_criteria",
    "store",
    "update",
]
