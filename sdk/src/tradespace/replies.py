"""What the service answers, as frozen values. The readers are tolerant: keys they do not know are passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

from tradespace._reader import Reader

__all__ = [
    "Attempt",
    "BestAssignments",
    "Delivery",
    "Experiment",
    "Front",
    "FrontPoint",
    "Measurement",
    "Metric",
    "Observation",
    "Page",
    "Prediction",
    "QueuedSuggestion",
    "Recommendation",
    "ReferenceValue",
    "Suggestion",
    "Webhook",
]

Assigned = Mapping[str, str | float]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Metric:
    """What is measured, and what is wanted of it. `threshold` is the worst acceptable value."""

    name: str | None
    objective: str
    strategy: str
    threshold: float | None = None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `metric` of the API."""
        return cls(
            body.text_or_none("name"), body.text("objective"), body.text("strategy"), body.number_or_none("threshold")
        )


@dataclass(frozen=True)
class Experiment:
    """What is being tuned. `parameters` are in the form of the API, as they were given at `create_experiment`."""

    id: str
    name: str
    state: str
    parameters: tuple[Mapping[str, Any], ...]
    metrics: tuple[Metric, ...]
    metadata: Mapping[str, Any] | None = None
    observation_budget: int | None = None
    observation_count: int | None = None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `experiment` of the API."""
        progress = body.part_or_none("progress")
        return cls(
            id=body.text("id"),
            name=body.text("name"),
            state=body.text("state"),
            parameters=tuple(parameter.mapping() for parameter in body.parts("parameters")),
            metrics=tuple(Metric.read(metric) for metric in body.parts("metrics")),
            metadata=body.mapping_or_none("metadata"),
            observation_budget=body.integer_or_none("observation_budget"),
            observation_count=progress.integer_or_none("observation_count") if progress else None,
        )


@dataclass(frozen=True)
class Prediction:
    """What the model expects of a metric, and how unsure it is of that."""

    mean: float
    stddev: float | None = None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read one entry of a suggestion's `predicted`."""
        return cls(body.number("mean"), body.number_or_none("stddev"))


@dataclass(frozen=True)
class Suggestion:
    """A configuration to try next: where it comes from, and which model saw it coming.

    `predicted` is what the model expects of each metric; None if no model was asked.
    """

    id: str
    experiment: str
    assignments: Assigned
    state: str | None = None
    source: str | None = None
    strategy: str | None = None
    reason: str | None = None
    predicted: Mapping[str, Prediction] | None = None
    model_generation: int | None = None
    data_generation: int | None = None
    lease_s: int | None = None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `suggestion` of the API."""
        predicted = body.named_parts_or_none("predicted")
        return cls(
            id=body.text("id"),
            experiment=body.text("experiment"),
            assignments=body.mapping("assignments"),
            state=body.text_or_none("state"),
            source=body.text_or_none("source"),
            strategy=body.text_or_none("strategy"),
            reason=body.text_or_none("reason"),
            predicted=None if predicted is None else {name: Prediction.read(one) for name, one in predicted.items()},
            model_generation=body.integer_or_none("model_generation"),
            data_generation=body.integer_or_none("data_generation"),
            lease_s=body.integer_or_none("lease_s"),
        )


@dataclass(frozen=True)
class QueuedSuggestion:
    """A configuration that a person wants tried; the next suggestion hands it out."""

    id: str
    experiment: str
    assignments: Assigned

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `queued_suggestion` of the API."""
        return cls(body.text("id"), body.text("experiment"), body.mapping("assignments"))


@dataclass(frozen=True)
class Measurement:
    """The value of a metric and its standard deviation, if that is known."""

    value: float
    stddev: float | None = None


Measurements = Mapping[str | None, Measurement]


def _measurements(body: Reader, key: str) -> Measurements:
    """Return the list of metric evaluations under `key`, by name; the only metric of an experiment may have none."""
    return {
        one.text_or_none("name"): Measurement(one.number("value"), one.number_or_none("value_stddev"))
        for one in body.parts(key)
    }


@dataclass(frozen=True)
class Observation:
    """What was measured, as the service stored it."""

    id: str
    experiment: str
    assignments: Assigned
    values: Measurements
    failed: bool = False
    suggestion: str | None = None
    metadata: Mapping[str, Any] | None = None
    result_id: str | None = None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `observation` of the API."""
        return cls(
            id=body.text("id"),
            experiment=body.text("experiment"),
            assignments=body.mapping("assignments"),
            values=_measurements(body, "values"),
            failed=body.flag("failed"),
            suggestion=body.text_or_none("suggestion"),
            metadata=body.mapping_or_none("metadata"),
            result_id=body.text_or_none("result_id"),
        )


@dataclass(frozen=True)
class BestAssignments:
    """One of the best configurations; with several optimized metrics, one of the Pareto set."""

    id: str
    assignments: Assigned
    values: Measurements

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `best_assignments` of the API."""
        return cls(body.text("id"), body.mapping("assignments"), _measurements(body, "values"))


@dataclass(frozen=True)
class FrontPoint:
    """A configuration on the Pareto front: no other is better in one metric without being worse in another."""

    id: str
    assignments: Assigned
    values: Measurements

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read one of the front's points."""
        return cls(body.text("id"), body.mapping("assignments"), _measurements(body, "values"))


@dataclass(frozen=True)
class ReferenceValue:
    """One coordinate of the reference point: from a threshold, or inferred from the data."""

    value: float | None
    inferred: bool

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read one entry of the front's `ref_point`."""
        return cls(body.number_or_none("value"), body.flag("inferred"))


@dataclass(frozen=True)
class Recommendation:
    """The configuration that the service recommends, and why, in one sentence."""

    assignments: Assigned
    values: Measurements
    sentence: str | None = None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the front's recommendation."""
        return cls(body.mapping("assignments"), _measurements(body, "values"), body.text_or_none("sentence"))


@dataclass(frozen=True)
class Front:
    """The Pareto front, and how much of the space it dominates.

    It has seen all results exactly if `generation` equals `data_generation`.
    """

    points: tuple[FrontPoint, ...]
    hypervolume: float | None
    generation: int | None
    data_generation: int | None
    ref_point: Mapping[str, ReferenceValue]
    recommended: Recommendation | None = None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `front` of the API."""
        reference = body.named_parts_or_none("ref_point") or {}
        recommended = body.part_or_none("recommended")
        return cls(
            points=tuple(FrontPoint.read(point) for point in body.parts("points")),
            hypervolume=body.number_or_none("hypervolume"),
            generation=body.integer_or_none("generation"),
            data_generation=body.integer_or_none("data_generation"),
            ref_point={name: ReferenceValue.read(one) for name, one in reference.items()},
            recommended=Recommendation.read(recommended) if recommended else None,
        )


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A part of a list, newest first. `before` leads to the next part, if there is one; `count` is of the whole."""

    items: tuple[Item, ...]
    count: int | None
    before: str | None

    @classmethod
    def of(cls, body: Reader, read: Callable[[Reader], Item]) -> Page[Item]:
        """Read the object `pagination` of the API, whose items `read` reads."""
        before = body.part("paging").text_or_none("before")
        return Page(tuple(read(one) for one in body.parts("data")), body.integer_or_none("count"), before)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Webhook:
    """An address that is told what happens. `secret` is there where the service shows it: when it is made."""

    id: str
    url: str
    state: str
    experiment: str | None = None
    event_types: tuple[str, ...] = ()
    description: str | None = None
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `webhook` of the API."""
        return cls(
            id=body.text("id"),
            url=body.text("url"),
            state=body.text("state"),
            experiment=body.text_or_none("experiment"),
            event_types=body.texts("event_types"),
            description=body.text_or_none("description"),
            secret=body.text_or_none("secret"),
        )


@dataclass(frozen=True)
class Attempt:
    """One try of a delivery, and what the receiver said."""

    number: int | None
    status_code: int | None
    error: str | None

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `attempt` of the API."""
        return cls(body.integer_or_none("number"), body.integer_or_none("status_code"), body.text_or_none("error"))


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one webhook: pending, delivered, exhausted (given up) or cancelled."""

    id: str
    event_type: str
    message_id: str
    state: str
    attempts: tuple[Attempt, ...] = ()

    @classmethod
    def read(cls, body: Reader) -> Self:
        """Read the object `delivery` of the API."""
        return cls(
            id=body.text("id"),
            event_type=body.text("event_type"),
            message_id=body.text("message_id"),
            state=body.text("state"),
            attempts=tuple(Attempt.read(one) for one in body.parts("attempts")),
        )
