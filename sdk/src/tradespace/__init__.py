"""Report trial results to Tradespace, and ask it for the next configuration to try.

`Producer` publishes results to Redis; `Client` (and `AsyncClient`) speaks with the service over HTTP; `producer` makes
a function work for it; `create_study` asks and tells as Optuna does.
"""

from __future__ import annotations

from tradespace._stream import Producer
from tradespace.client import AsyncClient, Client
from tradespace.errors import (
    ApiError,
    ConnectionFailed,
    InvalidInputError,
    RefusedError,
    TradespaceError,
    UnexpectedReplyError,
)
from tradespace.replies import (
    Attempt,
    BestAssignments,
    Delivery,
    Experiment,
    Front,
    FrontPoint,
    Measurement,
    Metric,
    Observation,
    Page,
    Prediction,
    QueuedSuggestion,
    Recommendation,
    ReferenceValue,
    Suggestion,
    Webhook,
)
from tradespace.result import Result
from tradespace.study import Study, Trial, create_study, load_study
from tradespace.working import TrialFailed, Worker, producer

__all__ = [
    "ApiError",
    "AsyncClient",
    "Attempt",
    "BestAssignments",
    "Client",
    "ConnectionFailed",
    "Delivery",
    "Experiment",
    "Front",
    "FrontPoint",
    "InvalidInputError",
    "Measurement",
    "Metric",
    "Observation",
    "Page",
    "Prediction",
    "Producer",
    "QueuedSuggestion",
    "Recommendation",
    "ReferenceValue",
    "RefusedError",
    "Result",
    "Study",
    "Suggestion",
    "TradespaceError",
    "Trial",
    "TrialFailed",
    "UnexpectedReplyError",
    "Webhook",
    "Worker",
    "create_study",
    "load_study",
    "producer",
]
