"""What an attempt can come to: `Succeeded` or `Failed`, each a type, so that none is forgotten where it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Failed", "Outcome", "Succeeded"]


@dataclass(frozen=True)
class Succeeded:
    """The receiver answered 2xx."""

    status_code: int
    duration_s: float


@dataclass(frozen=True)
class Failed:
    """Anything else. `error` is a sentence for people; `retry_after` is what the receiver asked for."""

    error: str
    duration_s: float
    status_code: int | None = None
    retry_after: timedelta | None = None


Outcome = Succeeded | Failed
