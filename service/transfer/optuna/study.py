"""A study as both kinds of storage hold it: what an import needs to know, and nothing of how it was stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["Distribution", "State", "Study", "Trial"]

#: What Optuna writes of a distribution: `{"name": "FloatDistribution", "attributes": {"low": 0.0, …}}`.
Distribution = Mapping[str, Any]


class State(StrEnum):
    """Where a trial is, by Optuna's own words."""

    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAIL = "FAIL"
    WAITING = "WAITING"


@dataclass
class Trial:
    """One trial. `params` are as Optuna stores them: of a category its number."""

    number: int
    state: State
    params: dict[str, float] = field(default_factory=dict)
    distributions: dict[str, Distribution] = field(default_factory=dict)
    values: Sequence[float | None] = ()
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass
class Study:
    """One study with its trials in order; `directions` are `minimize` or `maximize`, one an objective."""

    name: str
    directions: Sequence[str]
    trials: list[Trial] = field(default_factory=list)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def metric_names(self) -> list[str]:
        """The names given with `set_metric_names`, or `value`, or `value_0`, `value_1`, …"""
        given = self.system_attrs.get("study:metric_names")
        names = [str(name) for name in given] if isinstance(given, list) else []
        if len(names) == len(self.directions) and len(set(names)) == len(names):
            return names
        count = len(self.directions)
        return ["value"] if count == 1 else [f"value_{index}" for index in range(count)]
