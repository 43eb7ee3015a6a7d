"""Report trial results to Tradespace, and ask it for the next configuration to try.

`Producer` publishes results to Redis; `Client` speaks with the service over HTTP.
"""

from __future__ import annotations

from tradespace.client import Client
from tradespace.errors import (
    ApiError,
    ConnectionFailed,
    InvalidInputError,
    RefusedError,
    TradespaceError,
    UnexpectedReplyError,
)
from tradespace.producer import Producer
from tradespace.replies import (
    BestAssignments,
    Experiment,
    Front,
    FrontPoint,
    Measurement,
    Metric,
    Observation,
    Prediction,
    QueuedSuggestion,
    Recommendation,
    ReferenceValue,
    Suggestion,
)
from tradespace.result import Result

__all__ = [
    "ApiError",
    "BestAssignments",
    "Client",
    "ConnectionFailed",
    "Experiment",
    "Front",
    "FrontPoint",
    "InvalidInputError",
    "Measurement",
    "Metric",
    "Observation",
    "Prediction",
    "Producer",
    "QueuedSuggestion",
    "Recommendation",
    "ReferenceValue",
    "RefusedError",
    "Result",
    "Suggestion",
    "TradespaceError",
    "UnexpectedReplyError",
]
