"""A study becomes an experiment in our own JSON.

| Optuna | here |
|---|---|
| COMPLETE with finite values | an observation |
| COMPLETE with an infinite value or NaN, FAIL | a failed observation |
| RUNNING | an open suggestion |
| WAITING (`enqueue_trial`) with all parameters named | a queued suggestion |
| PRUNED, and whatever lacks a parameter | left out, and counted |
| user attributes | metadata (what is neither text nor number as JSON) |
| constraints (`system_attrs["constraints"]`) | constraint metrics `constraint_0`, …, at most 0 |
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

from service.db import strict_json
from service.transfer import document
from service.transfer.optuna.space import Space, is_number, space_of
from service.transfer.optuna.study import State, Study, Trial

__all__ = ["Report", "write"]

_LONGEST_TEXT: Final = 500
_LONGEST_KEY: Final = 100
_MOST_METADATA: Final = 100


@dataclass
class Report:
    """What came of a study's trials: how many are observations or suggestions, and how many were left out and why."""

    observations: int = 0
    suggestions: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def write(study: Study, file: TextIO, *, name: str | None = None) -> Report:
    """Write `study` as the JSON that an import takes."""
    space, report = space_of(study.trials), Report()
    constraints = max((len(_constraints(trial)) for trial in study.trials), default=0)
    body = {
        "name": (name or study.name)[:_LONGEST_KEY],
        "parameters": space.parameters,
        "conditionals": space.conditionals,
        "metrics": _metrics(study, constraints),
        "metadata": _metadata({**study.user_attrs, **space.constants}),
    }
    head = {"format": document.FORMAT, "version": document.VERSION, "experiment": body}
    file.write(strict_json(head)[:-1])
    for key, items in (
        ("suggestions", _suggestions(study, space, report)),
        ("observations", _observations(study, space, constraints, report)),
    ):
        file.write(f',\n"{key}":[')
        for index, item in enumerate(items):
            file.write((",\n" if index else "\n") + strict_json(item))
        file.write("]")
    file.write("}\n")
    return report


def _metrics(study: Study, constraints: int) -> list[dict[str, Any]]:
    pairs = zip(study.metric_names, study.directions, strict=True)
    return [
        *({"name": name, "objective": direction} for name, direction in pairs),
        *(
            {"name": f"constraint_{index}", "objective": "minimize", "strategy": "constraint", "threshold": 0}
            for index in range(constraints)
        ),
    ]


def _suggestions(study: Study, space: Space, report: Report) -> Iterator[dict[str, Any]]:
    for trial in study.trials:
        if trial.state not in (State.RUNNING, State.WAITING):
            continue
        assignments = space.assignments(trial.params if trial.params else _enqueued(trial, space))
        if assignments is None:
            report.left_out[f"{trial.state} without all parameters"] += 1
            continue
        report.suggestions += 1
        yield _said(
            {
                "id": str(trial.number),
                "state": "open" if trial.state is State.RUNNING else "queued",
                "assignments": assignments,
                "source": "explicit" if trial.state is State.RUNNING else "queue",
                "metadata": _metadata(trial.user_attrs),
                "created": document.written_time(trial.started_at),
            }
        )


def _enqueued(trial: Trial, space: Space) -> dict[str, float]:
    """Return what a person asked to be tried next, as far as the space knows it."""
    given = trial.system_attrs.get("fixed_params")
    fixed = given if isinstance(given, Mapping) else {}
    stored = {name: space.internal(name, value) for name, value in fixed.items()}
    return {name: value for name, value in stored.items() if value is not None}


def _observations(study: Study, space: Space, constraints: int, report: Report) -> Iterator[dict[str, Any]]:
    for trial in study.trials:
        if trial.state not in (State.COMPLETE, State.FAIL):
            if trial.state is State.PRUNED:
                report.left_out["PRUNED"] += 1
            continue
        assignments = space.assignments(trial.params)
        if assignments is None:
            report.left_out[f"{trial.state} without all parameters"] += 1
            continue
        report.observations += 1
        yield _said(
            {
                "assignments": assignments,
                **_measured(trial, study.metric_names, constraints),
                "metadata": _metadata(trial.user_attrs),
                "result_id": f"optuna-{trial.number}",
                "created": document.written_time(trial.completed_at or trial.started_at),
            }
        )


def _measured(trial: Trial, names: list[str], constraints: int) -> dict[str, Any]:
    """Return values, or a failure; a trial without its constraints' values has the others."""
    finite = [value for value in trial.values if is_number(value)]
    if trial.state is State.FAIL or len(finite) != len(names):
        return {"failed": True}
    limits = [(f"constraint_{index}", value) for index, value in enumerate(_constraints(trial))]
    values = [{"name": name, "value": value} for name, value in (*zip(names, finite, strict=True), *limits)]
    return {"values": values, "partial": True if len(limits) < constraints else None}


def _constraints(trial: Trial) -> list[float]:
    given = trial.system_attrs.get("constraints")
    return [value for value in given if is_number(value)] if isinstance(given, list | tuple) else []


def _metadata(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return attributes as metadata, which are text and numbers of limited length."""
    kept = list(given.items())[:_MOST_METADATA]
    return {str(name)[:_LONGEST_KEY]: _metadatum(value) for name, value in kept if value is not None} or None


def _metadatum(value: Any) -> Any:
    if is_number(value):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("\x00", "")[:_LONGEST_TEXT]


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
