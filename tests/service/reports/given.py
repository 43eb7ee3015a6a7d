"""Reports made by hand, without a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from objectives.metrics import Metric
from objectives.problem import Problem
from objectives.space import Double, SearchSpace
from service.reports.tradeoffs import advise
from service.reports.values import Beaten, Option, Report, Value

__all__ = ["NOW", "a_report", "beaten", "gain_and_cost", "options"]

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GAIN = Metric("gain")
COST = Metric("cost", "minimize")


#: A row for each point, a column for each metric.
Rows = Sequence[Sequence[float]]


def options(metrics: Sequence[Metric], rows: Rows, stddev: float | None = None) -> tuple[Option, ...]:
    """Options with these values."""
    names = [metric.name for metric in metrics]
    return tuple(
        Option(
            number=number,
            configuration_id=100 + number,
            assignments={"x": number / 10},
            values={name: Value(value, stddev) for name, value in zip(names, row, strict=True)},
        )
        for number, row in enumerate(rows, start=1)
    )


def beaten(metrics: Sequence[Metric], rows: Rows, missed: tuple[str, ...] = ()) -> tuple[Beaten, ...]:
    """Configurations outside the front."""
    names = [metric.name for metric in metrics]
    return tuple(
        Beaten(
            configuration_id=200 + i,
            assignments={"x": 0.5},
            values={name: Value(value) for name, value in zip(names, row, strict=True)},
            missed=missed,
        )
        for i, row in enumerate(rows)
    )


def a_report(metrics: Sequence[Metric] = (GAIN, COST), front: Sequence[Option] = (), **more: Any) -> Report:
    """A report with this front, up to date; `more` replaces what it says."""
    problem = Problem(SearchSpace((Double("x", 0.0, 1.0),)), tuple(metrics))
    given: Mapping[str, Any] = {
        "experiment_id": 12,
        "name": "An experiment",
        "state": "active",
        "problem": problem,
        "parameters": ({"name": "x", "type": "double", "bounds": {"min": 0.0, "max": 1.0}},),
        "conditionals": (),
        "budget": None,
        "observations": len(front),
        "failures": 0,
        "open_suggestions": 0,
        "data_generation": 1,
        "front_generation": 1,
        "model_generation": 1,
        "is_failing": False,
        "front_at": NOW if front else None,
        "front_count": len(front),
        "options": tuple(front),
        "nearest": (),
        "beaten": (),
        "limits": (),
        "milestones": (),
        "models": None,
        "rejected_count": 0,
        "rejected": (),
        "advice": advise(problem, front),
        "now": NOW,
    }
    return Report(**{**given, **more})


def gain_and_cost(rows: Rows, **more: Any) -> Report:
    """A report of two metrics: gain (maximised) and cost (minimised)."""
    return a_report((GAIN, COST), options((GAIN, COST), rows), **more)
