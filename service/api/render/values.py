"""Measured values, as every resource shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Json", "task", "value", "values"]

Json = dict[str, Any]


def value(name: str, value: float | None, stddev: float | None) -> Json:
    """One measured metric. PostgreSQL gives large numbers back as whole ones, with digits that nobody measured."""
    return {
        "object": "metric_evaluation",
        "name": name or None,
        "value": None if value is None else float(value),
        "value_stddev": None if stddev is None else float(stddev),
    }


def values(measured: Mapping[str, Sequence[float | None]]) -> list[Json]:
    """Values of metrics with their standard deviations."""
    return [value(name, mean, stddev) for name, (mean, stddev) in sorted(measured.items())]


def task(name: str | None, tasks: Sequence[Mapping[str, Any]]) -> Json:
    """The key `task`, of what belongs to a task; no key where there are none."""
    if name is None:
        return {}
    cost = next((item["cost"] for item in tasks if item["name"] == name), None)
    return {"task": {"object": "task", "name": name, "cost": cost}}
