"""What is worth doing about an experiment: found in what is stored, each with what it would bring.

Best practices are those of them that SigOpt's callers ask for, in a sentence each; of a new experiment there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.models import Configuration, Experiment, Refresh, Suggestion

__all__ = ["Advice", "advice", "best_practices"]

Severity = Literal["info", "warning", "critical"]

#: What thresholds brought on our fifteen benchmark problems with several metrics, after 30 measurements: the gain in
#: the share of the attainable hypervolume, of the middle half of the problems, and in the middle (docs/benchmarks).
THRESHOLDS_WORTH: Final = {
    "measure": "hypervolume, as a share of what can be reached",
    "low": 0.005,
    "median": 0.015,
    "high": 0.136,
    "evidence": "docs/benchmarks/quality.txt: 15 problems, 30 measurements",
}
#: From this share of failures on, and from this many results on, they are worth a look.
MANY_FAILURES: Final = 0.2
ENOUGH: Final = 5
#: Newest configurations in which a metric has to vary.
LOOKED_AT: Final = 100
#: Models that have not seen the newest results for this long are left behind.
STALE_AFTER: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Advice:
    """One thing worth doing: what is the matter, how bad it is, what it would bring if that is known, which field.

    `is_violation`: whether SigOpt's callers see it among the best practices.
    """

    code: str
    severity: Severity
    message: str
    field: str | None = None
    worth: Mapping[str, Any] | None = None
    is_violation: bool = False


@dataclass(frozen=True)
class _Facts:
    """What the rules look at: read once."""

    experiment: Experiment
    refresh: Refresh
    consumed: float
    open_count: int
    constant: tuple[str, ...]
    now: datetime

    @property
    def dimension(self) -> int:
        return len(self.experiment.parameters) + len(self.experiment.conditionals)

    @property
    def optimized(self) -> list[Mapping[str, Any]]:
        return [metric for metric in self.experiment.metrics if metric["strategy"] == "optimize"]


Rule = Callable[[_Facts], Iterator[Advice]]


def advice(session: Session, experiment: Experiment, *, consumed: float, now: datetime) -> list[Advice]:
    """Return what is worth doing, the worst first. `consumed` is what the observations cost."""
    facts = _Facts(
        experiment=experiment,
        refresh=session.get_one(Refresh, experiment.id),
        consumed=consumed,
        open_count=_open_count(session, experiment.id),
        constant=_constant(session, experiment),
        now=now,
    )
    order = ("critical", "warning", "info")
    return sorted((item for rule in _RULES for item in rule(facts)), key=lambda item: order.index(item.severity))


def best_practices(session: Session, experiment: Experiment, *, consumed: float, now: datetime) -> list[str]:
    """Return the sentences of what SigOpt's callers know as violations."""
    return [item.message for item in advice(session, experiment, consumed=consumed, now=now) if item.is_violation]


def _open_count(session: Session, experiment_id: int) -> int:
    mine = sa.and_(
        Suggestion.experiment_id == experiment_id, Suggestion.state == "open", Suggestion.deleted_at.is_(None)
    )
    return session.scalar(sa.select(sa.func.count()).select_from(Suggestion).where(mine)) or 0


def _constant(session: Session, experiment: Experiment) -> tuple[str, ...]:
    """Return the metrics that gave one and the same value at each of the newest configurations."""
    newest = sa.select(Configuration.sums).where(Configuration.experiment_id == experiment.id)
    rows = session.scalars(newest.order_by(Configuration.id.desc()).limit(LOOKED_AT)).all()
    names = [metric["name"] or "" for metric in experiment.metrics if metric["strategy"] != "store"]
    means = {name: [sums[name]["mean"] for sums in rows if name in sums] for name in names}
    return tuple(name for name, found in means.items() if len(found) >= ENOUGH and min(found) == max(found))


def _used_up(facts: _Facts) -> Iterator[Advice]:
    """The budget, while it lasts, has to be enough for more than the first look around."""
    budget = facts.experiment.observation_budget
    if budget is None:
        return
    design = min(2 * (facts.dimension + 1), 24)
    if facts.consumed > budget:
        spent = f"{facts.consumed:g}"
        message = f"Observation budget consumed {spent} exceeds the observation_budget {budget}"
        yield Advice("budget_exceeded", "info", message, "observation_budget", is_violation=True)
    elif facts.experiment.type == "offline" and budget <= design:
        message = (
            f"observation_budget {budget} is too small for {facts.dimension} parameters: the first {design} suggestions"
            f" look around evenly, so that no model is asked; {3 * design} or more let it pay"
        )
        yield Advice("budget_too_small", "warning", message, "observation_budget", is_violation=True)


def _too_many_open(facts: _Facts) -> Iterator[Advice]:
    bandwidth = facts.experiment.parallel_bandwidth
    if facts.open_count > (bandwidth or 1):
        known = f"({bandwidth})" if bandwidth else "(1, since none is set)"
        message = (
            f"number of open suggestions ({facts.open_count}) exceeds parallel_bandwidth {known}: "
            "what is open counts as being tried; report it, delete it or raise parallel_bandwidth"
        )
        yield Advice("open_suggestions", "warning", message, "parallel_bandwidth", is_violation=True)


def _thresholds(facts: _Facts) -> Iterator[Advice]:
    """Missing thresholds count as a violation once there are results to choose them by."""
    missing = [str(metric["name"]) for metric in facts.optimized if metric["threshold"] is None]
    if len(facts.optimized) < 2 or len(missing) < len(facts.optimized):
        return
    message = (
        f"no threshold is set on {', '.join(missing)}: the worst acceptable value of each keeps the search "
        "where a trade-off is worth having"
    )
    has_results = facts.refresh.observation_count > facts.refresh.failure_count
    yield Advice("thresholds_missing", "info", message, "metrics", THRESHOLDS_WORTH, is_violation=has_results)


def _failures(facts: _Facts) -> Iterator[Advice]:
    count, failed = facts.refresh.observation_count, facts.refresh.failure_count
    if count >= ENOUGH and failed >= MANY_FAILURES * count:
        message = f"{failed} of {count} trials failed: bounds or constraints that leave out what fails would save them"
        yield Advice("failing_trials", "critical" if failed == count else "warning", message, "parameters")


def _stale(facts: _Facts) -> Iterator[Advice]:
    row = facts.refresh
    behind = row.data_generation - row.model_generation
    if behind > 0 and row.dirty_since is not None and facts.now - row.dirty_since > STALE_AFTER:
        why = "no worker has come by" if row.attempts == 0 else f"{row.attempts} attempts did not end well"
        message = f"the models have not seen the newest results ({behind} changes of the data): {why}"
        yield Advice("models_stale", "critical", message)


def _unmoved(facts: _Facts) -> Iterator[Advice]:
    for name in facts.constant:
        called = f"metric {name}" if name else "the metric"
        message = f"{called} gave the same value at every configuration looked at: is it measured?"
        yield Advice("metric_constant", "warning", message, "metrics")


_RULES: Final[tuple[Rule, ...]] = (_used_up, _too_many_open, _thresholds, _failures, _stale, _unmoved)
