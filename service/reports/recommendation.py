"""The option for somebody who can say what matters: by weights or by goals, with what it gives up (stop
"service/reports")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from objectives.decisions import Pick, nearest_to_goals, weighed
from objectives.metrics import Metric
from service.errors import UnprocessableError
from service.reports.numbers import label
from service.reports.sentences import digits_of, join, reached
from service.reports.values import Option, Report

__all__ = ["GiveUp", "Recommendation", "by_goals", "by_weights", "sentence", "usual"]


@dataclass(frozen=True)
class GiveUp:
    """How far an option stays behind the best of the front in one metric: `amount` of its units, not negative.

    `missed`: how far it stays behind the goal that was set for the metric; None without a goal.
    """

    metric: str
    best: float
    amount: float
    missed: float | None = None


@dataclass(frozen=True)
class Recommendation:
    """An option with the reason for it in a sentence; `share`: how much of the way to the best each metric goes."""

    option: Option
    title: str
    reason: str
    share: Mapping[str, float]
    gives_up: tuple[GiveUp, ...]


def by_weights(report: Report, weights: Mapping[str, float]) -> Recommendation:
    """The option that loses least where it matters: metrics without a weight matter nothing."""
    values = _values(report)
    given = np.array([weights.get(metric.name, 0.0) for metric in report.optimized])
    pick = weighed(report.problem, values, given)
    total = float(given.sum())
    words = join(f"{label(m.name)} {w / total:.0%}" for m, w in zip(report.optimized, given.tolist(), strict=True) if w)
    reason = f"Weighed {words}, no option of the front loses less against the best in each metric."
    return _made(report, pick, "weighed", reason, {})


def by_goals(report: Report, goals: Mapping[str, float]) -> Recommendation:
    """The option that reaches the goals, the best balanced of those that do; else the one that misses by least."""
    values = _values(report)
    given = np.array([goals.get(metric.name, np.nan) for metric in report.optimized])
    pick = nearest_to_goals(report.problem, values, given)
    missed = {metric.name: _missed(metric, values[pick.index, j], goals) for j, metric in enumerate(report.optimized)}
    short = [label(name) for name, amount in missed.items() if amount]
    if short:
        reason = f"No option reaches every goal; this one misses {join(short)} by least, as a share of its range."
    else:
        reason = "It reaches every goal, and of the options that do it is the best balanced."
    return _made(report, pick, "goals", reason, missed)


def usual(report: Report) -> Recommendation:
    """The option to take if there is no time to weigh: every metric matters alike."""
    even = by_weights(report, {metric.name: 1.0 for metric in report.optimized})
    return replace(even, title="balanced")


def _values(report: Report) -> NDArray[np.float64]:
    if not report.optimized:
        raise UnprocessableError("No metric is optimized, so no option is better than another.")
    if not report.options:
        raise UnprocessableError("There is no front yet: nothing that was measured meets every threshold.")
    return np.array([[option.values[m.name].mean for m in report.optimized] for option in report.options])


def _missed(metric: Metric, value: float, goals: Mapping[str, float]) -> float | None:
    if metric.name not in goals:
        return None
    return max(metric.sign * (goals[metric.name] - value), 0.0)


def _made(report: Report, pick: Pick, title: str, reason: str, missed: Mapping[str, float | None]) -> Recommendation:
    option = report.options[pick.index]
    gives_up = tuple(_give_up(report, metric, option, missed.get(metric.name)) for metric in report.optimized)
    return Recommendation(
        option, title, f"{reason} It reaches {reached(report, option)}.", pick.facts["share"], gives_up
    )


def _give_up(report: Report, metric: Metric, option: Option, missed: float | None) -> GiveUp:
    best = max((other.values[metric.name].mean for other in report.options), key=lambda value: metric.sign * value)
    return GiveUp(metric.name, best, max(metric.sign * (best - option.values[metric.name].mean), 0.0), missed)


def sentence(report: Report, found: Recommendation) -> str:
    """What it gives up, in words: `It gives up 0.004 accuracy and 1.2 latency_ms against the best of each.`"""
    digits = digits_of(report)
    parts = [f"{digits[g.metric].change(g.amount)} {label(g.metric)}" for g in found.gives_up if g.amount]
    return f"It gives up {join(parts)} against the best of each." if parts else "It gives up nothing."
