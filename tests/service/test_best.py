"""The best assignments of many observations are those of few: the database leaves out what is beaten anyway."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from service import best, observations
from service.arrays import best_of
from service.db import Database
from service.models import Experiment
from service.schemas.experiment import Definition
from service.schemas.result import Result, Value
from tasks.optimize import refresh_once
from tests.support import new_experiment

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMITED = [
    {"name": "accuracy", "threshold": 2},
    {"name": "latency_ms", "objective": "minimize"},
    {"name": "memory", "objective": "minimize", "strategy": "constraint", "threshold": 6},
    {"name": "note", "strategy": "store"},
]
TASKS = {"tasks": [{"name": "cheap", "cost": 0.1}, {"name": "full", "cost": 1}], "observation_budget": 99}
EXPERIMENTS: dict[str, dict[str, Any]] = {
    "two": {},
    "one": {"metrics": [{"name": "latency_ms", "objective": "minimize"}]},
    "thresholds": {"metrics": LIMITED},
    "three": {"metrics": ["a", "b", {"name": "c", "objective": "minimize"}]},
    "search": {"metrics": [{"name": "a", "strategy": "constraint", "threshold": 5}]},
    "tasks": TASKS,
    "unnamed": {"metrics": [{"name": None}]},
}


@pytest.fixture(params=EXPERIMENTS)
def experiment(request: pytest.FixtureRequest, database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW, **EXPERIMENTS[request.param])


def report(database: Database, experiment: Experiment, count: int, seed: int) -> None:
    """Results of whole numbers, so that many are equal; a few fail, some are in two parts, some are measured again."""
    dice = np.random.default_rng(seed)
    names = [metric["name"] or "" for metric in experiment.metrics]
    results = []
    for number in range(count):
        values = tuple(Value(name, float(dice.integers(9)), None) for name in names)
        kind = dice.choice(["whole", "failed", "parts"], p=[0.85, 0.05, 0.1])
        told = [()] if kind == "failed" else [values[:1], values[1:]] if kind == "parts" and values[1:] else [values]
        place = {"x": float(dice.integers(5)) / 4, "y": float(dice.integers(5)) / 4}
        task = str(dice.choice(["cheap", "full"])) if experiment.tasks else None
        for part, some in enumerate(told):
            key = f"{seed}-{number}-{part}"
            result = Result(experiment.id, None, place, some, not some, None, key, task, len(some) < len(names))
            results.append(result)
    with database.write() as session:
        observations.store(session, results, source="http", now=NOW)


def found(database: Database, experiment: Experiment) -> Any:
    with database.read() as session:
        return best.best(session, session.get_one(Experiment, experiment.id))


def test_what_the_database_leaves_has_the_same_best(database: Database, experiment: Experiment) -> None:
    for seed in range(4):
        report(database, experiment, 60, seed)
        if seed != 2:  # else the front is one of before
            refresh_once(database, experiment.id, pool_size=1)
        with database.read() as session:
            row = session.get_one(Experiment, experiment.id)
            left = best._unbeaten(session, row, Definition.of(row))
        assert left is not None
        every = found(database, experiment)
        assert 0 < len(every) <= len(left) < 57 * (seed + 1)
        assert best_of(Definition.of(experiment), left) == every


def test_more_than_is_read_as_a_whole_is_looked_through_by_the_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        experiment = new_experiment(session, now=NOW)
    report(database, experiment, 100, 1)
    refresh_once(database, experiment.id, pool_size=1)
    every = found(database, experiment)
    monkeypatch.setattr(best, "MOST", 60)
    assert found(database, experiment) == every


def test_what_is_too_much_even_so_is_left_to_the_front(
    database: Database, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(database, experiment, 60, 1)
    for name in ("MOST_SCANNED", "MOST"):
        monkeypatch.setattr(best, "MOST", 10)
        monkeypatch.setattr(best, name, 0)
        assert found(database, experiment) is None
