"""The frozen values a report is made of. They know neither the database nor the page (stop "service/reports")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from objectives.metrics import Metric
from objectives.problem import Problem

__all__ = [
    "Advice",
    "Beaten",
    "Exchange",
    "Limit",
    "Metric",
    "Milestone",
    "Models",
    "Option",
    "Pick",
    "Rejected",
    "Report",
    "Value",
]


@dataclass(frozen=True)
class Value:
    """A measured mean with the standard deviation of that mean (None where it is not known)."""

    mean: float
    stddev: float | None = None


@dataclass(frozen=True)
class Option:
    """One point of the Pareto front. `number` is its name on the page: 1 is the best of the first optimized metric."""

    number: int
    configuration_id: int
    assignments: Mapping[str, Any]
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Beaten:
    """A configuration outside the front: `missed` names the thresholds it does not reach (none: it is beaten)."""

    configuration_id: int
    assignments: Mapping[str, Any]
    values: Mapping[str, Value]
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Limit:
    """A threshold, and how many of the looked-at configurations do not reach it.

    `inferred`: nobody gave it; it only measures progress. `missed`: of `looked_at`; `missed_alone`: those that reach
    all other thresholds, so would come back without this one.
    """

    metric: str
    value: float | None
    inferred: bool
    missed: int
    missed_alone: int
    looked_at: int


@dataclass(frozen=True)
class Milestone:
    """The hypervolume of the front after that many observations; all against one reference point."""

    observations: int
    hypervolume: float


@dataclass(frozen=True)
class Pick:
    """An option worth naming: `title` says what it is, `also` what else, `reason` why, in words."""

    option: int
    title: str
    reason: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """What the step from option `start` to its neighbour `end` takes: `gain` of one metric for `cost` of another.

    Both are positive. `along` is what happens to the other optimized metrics meanwhile: their changes as they are.
    `noise` is the standard deviation of the gain: 0 where none is known.
    """

    start: int
    end: int
    gained: str
    paid: str
    gain: float
    cost: float
    along: tuple[tuple[str, float], ...] = ()
    noise: float = 0.0

    @property
    def is_noise(self) -> bool:
        """Whether the gain is smaller than its own standard deviation: measured again, it may be a loss."""
        return self.gain < self.noise

    @property
    def rate(self) -> float:
        """Units of `paid` for one unit of `gained`."""
        return self.cost / self.gain


@dataclass(frozen=True)
class Advice:
    """What a person can take from the front: the options worth naming, the recommended one first."""

    picks: tuple[Pick, ...] = ()

    @property
    def recommended(self) -> Pick | None:
        """The one option to take if there is no time to weigh: the first pick."""
        return self.picks[0] if self.picks else None


@dataclass(frozen=True)
class Rejected:
    """A message about this experiment that could not be taken."""

    reason: str
    source: str
    at: datetime


@dataclass(frozen=True)
class Models:
    """What the models said about themselves when they were last fitted."""

    generation: int
    fitted_at: datetime
    fit_s: float
    quality: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything the report of one experiment says, as of one moment.

    Counts: `observations` with their `failures`; results asked for (`budget`); suggestions being tried now
    (`open_suggestions`); messages refused (`rejected_count`, the newest of them in `rejected`).
    Generations count changes of the data: `data_generation` is the newest, `front_generation` and `model_generation`
    are the ones that front and models have seen; `is_failing`: the last attempt to catch up failed.
    `front_count` is the size of the front, `options` its points (evenly thinned where there are very many), `beaten`
    the newest of the other configurations; `nearest` stands in while nothing is feasible: those that miss by least.
    """

    experiment_id: int
    name: str
    state: str
    problem: Problem
    parameters: tuple[Mapping[str, Any], ...]
    conditionals: tuple[Mapping[str, Any], ...]
    budget: int | None
    observations: int
    failures: int
    open_suggestions: int
    data_generation: int
    front_generation: int
    model_generation: int
    is_failing: bool
    front_at: datetime | None
    front_count: int
    options: tuple[Option, ...]
    nearest: tuple[Option, ...]
    beaten: tuple[Beaten, ...]
    limits: tuple[Limit, ...]
    milestones: tuple[Milestone, ...]
    models: Models | None
    rejected_count: int
    rejected: tuple[Rejected, ...]
    advice: Advice
    now: datetime

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All metrics, in the order of the experiment."""
        return self.problem.metrics

    @property
    def optimized(self) -> tuple[Metric, ...]:
        """The metrics that are traded off."""
        return self.problem.optimized

    @cached_property
    def ordered_metrics(self) -> tuple[Metric, ...]:
        """Optimized metrics first, then constraints, then stored ones."""
        rank = {"optimize": 0, "constraint": 1, "store": 2}
        return tuple(sorted(self.metrics, key=lambda metric: rank[metric.strategy]))

    def metric(self, name: str) -> Metric:
        """The metric called `name`; KeyError if there is none."""
        return {metric.name: metric for metric in self.metrics}[name]

    def option(self, number: int) -> Option:
        """The option called `number`."""
        return self.options[number - 1]
