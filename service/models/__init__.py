"""The tables. A row is the truth; Redis only brings it here, Celery only says that there is something to do.

What an experiment *is* (parameters, metrics, rules) is read and written as a whole, so it is stored as documents that
`service.schemas` has checked (docs/decisions/0003). What *happened* has columns.
"""

from __future__ import annotations

from service.models.base import Base
from service.models.experiments import (
    Configuration,
    Correction,
    Experiment,
    Observation,
    Refresh,
    Rejection,
    Suggestion,
)
from service.models.learned import Front, Importances, ModelState
from service.models.runs import Checkpoint, File, TrainingRun, View
from service.models.tenants import Client, Note, Project, Remembered, ServiceKey, Tag, Token
from service.models.webhooks import Attempt, Delivery, Endpoint, Event

__all__ = [
    "Attempt",
    "Base",
    "Checkpoint",
    "Client",
    "Configuration",
    "Correction",
    "Delivery",
    "Endpoint",
    "Event",
    "Experiment",
    "File",
    "Front",
    "Importances",
    "ModelState",
    "Note",
    "Observation",
    "Project",
    "Refresh",
    "Rejection",
    "Remembered",
    "ServiceKey",
    "Suggestion",
    "Tag",
    "Token",
    "TrainingRun",
    "View",
]
