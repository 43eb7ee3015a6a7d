"""A refresh publishes the front, then models and pool, and nothing of a worker that was overtaken."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import moocore
import numpy as np
import pytest
import sqlalchemy as sa

from objectives.errors import FitError
from objectives.strategies import STRATEGIES
from service import fronts, observations, refreshes
from service.db import Database
from service.models import Event, Experiment, Front, ModelState, Refresh, Suggestion
from service.schemas.result import Result, Value
from tasks import optimize
from tasks.optimize import refresh_once
from tests.support import new_experiment

#: Long past by the database's clock: what was due then is due.
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


def measure(x: float, y: float) -> tuple[Value, ...]:
    accuracy = 1 - (x - 0.3) ** 2 - 0.1 * y
    return (Value("accuracy", accuracy, 0.01), Value("latency_ms", 5 * x + math.exp(-3 * y), None))


def report(database: Database, experiment: Experiment, points: Sequence[tuple[float, float]], **more: Any) -> None:
    with database.write() as session:
        results = [
            Result(
                experiment_id=experiment.id,
                suggestion_id=None,
                assignments={"x": x, "y": y},
                values=more.get("values") or measure(x, y),
                failed=False,
                metadata=None,
                result_id=f"{x}-{y}",
            )
            for x, y in points
        ]
        observations.store(session, results, source="http", now=database.now(session))


def grid(count: int) -> list[tuple[float, float]]:
    dice = np.random.default_rng(3)
    return [(float(x), float(y)) for x, y in dice.random((count, 2))]


def events(database: Database, kind: str) -> list[Event]:
    with database.read() as session:
        return list(session.scalars(sa.select(Event).where(Event.type == kind).order_by(Event.id)))


def pooled(database: Database, experiment: Experiment) -> list[Suggestion]:
    with database.read() as session:
        rows = sa.select(Suggestion).where(Suggestion.experiment_id == experiment.id, Suggestion.state == "pooled")
        return list(session.scalars(rows.order_by(Suggestion.rank)))


def test_a_new_experiment_gets_a_pool_that_fills_the_space(database: Database, experiment: Experiment) -> None:
    assert refresh_once(database, experiment.id, pool_size=5)
    pool = pooled(database, experiment)
    assert [row.rank for row in pool] == [0, 1, 2, 3, 4]
    assert {row.strategy for row in pool} == {"quasi_random"}
    assert len({row.key for row in pool}) == 5
    assert not refresh_once(database, experiment.id, pool_size=5)


def test_results_become_front_models_pool_and_events(database: Database, experiment: Experiment) -> None:
    report(database, experiment, grid(20))
    assert refresh_once(database, experiment.id, pool_size=4)
    with database.read() as session:
        row = session.get_one(Refresh, experiment.id)
        assert (row.front_generation, row.model_generation, row.due_at, row.attempts) == (1, 1, None, 0)
        state = session.get_one(ModelState, experiment.id)
        assert state.generation == 1
        assert set(state.quality) == {"accuracy", "latency_ms"}
    pool = pooled(database, experiment)
    assert len(pool) == 4
    assert all(row.strategy in STRATEGIES and row.reason for row in pool)
    assert all(row.model_generation == 1 and row.reason for row in pool)
    assert all(set(row.predicted or {}) == {"accuracy", "latency_ms"} for row in pool)
    assert events(database, "suggestion.ready")[-1].data == {"model_generation": 1, "count": 4}


def test_the_front_is_the_one_that_moocore_finds(database: Database, experiment: Experiment) -> None:
    report(database, experiment, grid(60))
    refresh_once(database, experiment.id, pool_size=1)
    values = np.array([[-v.value if v.name == "accuracy" else v.value for v in measure(x, y)] for x, y in grid(60)])
    expected = sorted(values[moocore.is_nondominated(values, keep_weakly=True)].tolist())
    with database.read() as session:
        front = fronts.latest(session, experiment.id)
        assert front is not None
        points = front.points or []
    found = sorted([-p["values"]["accuracy"][0], p["values"]["latency_ms"][0]] for p in points)
    np.testing.assert_allclose(found, expected)
    assert [p["values"]["accuracy"][0] for p in points] == sorted(
        (p["values"]["accuracy"][0] for p in points), reverse=True
    )


def test_thresholds_and_constraints_keep_what_misses_them_off_the_front(database: Database) -> None:
    metrics = [
        {"name": "accuracy", "threshold": 0.8},
        {"name": "latency_ms", "objective": "minimize"},
        {"name": "memory", "objective": "minimize", "strategy": "constraint", "threshold": 100},
    ]
    with database.write() as session:
        limited = new_experiment(session, now=NOW, metrics=metrics)

    def point(x: float, accuracy: float, latency: float, memory: float) -> None:
        values = (Value("accuracy", accuracy, None), Value("latency_ms", latency, None), Value("memory", memory, None))
        report(database, limited, [(x, 0.5)], values=values)

    point(0.1, 0.9, 5.0, 100.0)  # on the limit, which belongs to it
    point(0.2, 0.8, 3.0, 10.0)  # on the other limit
    point(0.3, 0.79, 1.0, 10.0)  # misses accuracy
    point(0.4, 0.99, 1.0, 100.1)  # misses memory
    point(0.5, 0.85, 6.0, 10.0)  # beaten by the first
    refresh_once(database, limited.id, pool_size=1)
    with database.read() as session:
        front = fronts.latest(session, limited.id)
        assert front is not None
        assert [point["assignments"]["x"] for point in front.points or []] == [0.1, 0.2]
        assert (front.feasible_count, front.infeasible_count) == (3, 2)
        assert [item["inferred"] for item in front.ref_point] == [False, True]


def test_replicates_are_one_point_with_their_mean(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        for number, value in enumerate((0.8, 1.0)):
            values = (Value("accuracy", value, 0.1), Value("latency_ms", 1.0, None))
            one = Result(experiment.id, None, {"x": 0.5, "y": 0.5}, values, False, None, f"r{number}")
            observations.store(session, [one], source="http", now=NOW)
    refresh_once(database, experiment.id, pool_size=1)
    with database.read() as session:
        front = fronts.latest(session, experiment.id)
        assert front is not None
        (point,) = front.points or []
    assert point["values"]["accuracy"] == pytest.approx([0.9, 0.1 / math.sqrt(2)])


def test_a_result_that_changes_nothing_on_the_front_tells_nobody(database: Database, experiment: Experiment) -> None:
    report(database, experiment, [(0.3, 1.0)])
    refresh_once(database, experiment.id, pool_size=1)
    worse = (Value("accuracy", 0.0, None), Value("latency_ms", 99.0, None))
    report(database, experiment, [(0.9, 0.9)], values=worse)
    refresh_once(database, experiment.id, pool_size=1)
    assert len(events(database, "front.changed")) == 1
    with database.read() as session:
        assert session.get_one(Refresh, experiment.id).front_generation == 2


def test_the_event_says_what_came_and_what_went(database: Database, experiment: Experiment) -> None:
    report(database, experiment, [(0.5, 0.5)])
    refresh_once(database, experiment.id, pool_size=1)
    better = (Value("accuracy", 2.0, None), Value("latency_ms", 0.0, None))
    report(database, experiment, [(0.6, 0.6)], values=better)
    refresh_once(database, experiment.id, pool_size=1)
    first, second = (event.data for event in events(database, "front.changed"))
    assert (first["size"], first["removed"]) == (1, [])
    assert second["removed"] == first["added"]
    assert len(second["added"]) == 1
    assert second["generation"] == 2


def test_hypervolumes_of_the_progress_curve_never_fall(database: Database, experiment: Experiment) -> None:
    points = grid(40)
    for start in range(0, 40, 4):
        report(database, experiment, points[start : start + 4])
        refresh_once(database, experiment.id, pool_size=1)
    with database.read() as session:
        front = fronts.latest(session, experiment.id)
        assert front is not None
        curve = front.progress or []
    assert curve[-1] == [40, front.hypervolume]
    assert [n for n, _ in curve] == sorted({n for n, _ in curve})
    assert all(earlier <= later + 1e-12 for (_, earlier), (_, later) in itertools.pairwise(curve))


def test_the_reference_point_stays_until_the_front_reaches_behind_it(
    database: Database, experiment: Experiment
) -> None:
    def reference() -> list[float]:
        refresh_once(database, experiment.id, pool_size=1)
        with database.read() as session:
            front = fronts.latest(session, experiment.id)
            assert front is not None
            return [item["value"] for item in front.ref_point]

    points = grid(24)
    report(database, experiment, points[:12])
    first = reference()
    report(database, experiment, points[12:])
    assert reference() == first
    far = (Value("accuracy", 0.999, None), Value("latency_ms", 50.0, None))
    report(database, experiment, [(0.999, 0.999)], values=far)
    assert reference()[1] > 50


def test_a_threshold_that_is_cleared_is_inferred_anew(database: Database) -> None:
    limited = [{"name": "accuracy"}, {"name": "latency_ms", "objective": "minimize", "threshold": 2.0}]
    with database.write() as session:
        experiment = new_experiment(session, now=NOW, metrics=limited)
    report(database, experiment, grid(24))
    refresh_once(database, experiment.id, pool_size=1)
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        row.metrics = [{**metric, "threshold": None} for metric in row.metrics]
        changed = refreshes.hold(session, [experiment.id])[experiment.id]
        refreshes.mark_changed(changed, observations=0, failures=0, now=NOW)
    refresh_once(database, experiment.id, pool_size=1)
    with database.read() as session:
        front = fronts.latest(session, experiment.id)
        assert front is not None
        latency = {item["metric"]: item for item in front.ref_point}["latency_ms"]
    assert latency["inferred"]
    assert latency["value"] != 2.0


def test_only_the_newest_front_holds_points(database: Database, experiment: Experiment) -> None:
    for number, point in enumerate(grid(12)):
        report(database, experiment, [point])
        refresh_once(database, experiment.id, pool_size=1)
        with database.read() as session:
            rows = session.scalars(sa.select(Front).order_by(Front.generation)).all()
        assert [row.points is not None for row in rows] == [False] * (len(rows) - 1) + [True], number


def test_open_suggestions_are_not_suggested_again(database: Database, experiment: Experiment) -> None:
    report(database, experiment, grid(12))
    refresh_once(database, experiment.id, pool_size=4)
    with database.write() as session:
        for row in session.scalars(sa.select(Suggestion).where(Suggestion.state == "pooled")):
            row.state = "open"
        refreshes.want_refill(session.get_one(Refresh, experiment.id), now=NOW)
    assert refresh_once(database, experiment.id, pool_size=4)
    with database.read() as session:
        keys = session.scalars(sa.select(Suggestion.key)).all()
    assert len(keys) >= 8
    assert len(set(keys)) == len(keys)


def test_the_same_data_and_seed_give_the_same_pool(database: Database) -> None:
    pools = []
    with database.write() as session:
        twins = [new_experiment(session, now=NOW, seed=11) for _ in range(2)]
    for twin in twins:
        report(database, twin, grid(15))
        refresh_once(database, twin.id, pool_size=3)
        pools.append([row.assignments for row in pooled(database, twin)])
    assert pools[0] == pools[1]


@pytest.mark.parametrize("work", ["_contributions", "_progress", "_fit", "_learned", "_candidates"])
def test_nobody_waits_for_what_is_computed(
    database: Database, experiment: Experiment, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """A worker may be slow, since others come first: who reports or claims meanwhile must not find the row locked."""
    report(database, experiment, grid(5))
    compute = getattr(optimize, work)
    held: list[bool] = []

    def hold() -> None:
        with database.write() as session:
            held.append(bool(refreshes.hold(session, [experiment.id])))

    def computed(*given: Any, **more: Any) -> Any:
        thread = threading.Thread(target=hold)
        thread.start()
        thread.join(5)
        assert held, "the row of the experiment, or the database, was locked"
        return compute(*given, **more)

    monkeypatch.setattr(optimize, work, computed)
    assert refresh_once(database, experiment.id, pool_size=3)
    assert held


def test_an_overtaken_worker_writes_nothing(
    database: Database, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(database, experiment, grid(12))
    fit = optimize.fit

    def overtaken_during_the_fit(*args: Any, **kwargs: Any) -> Any:
        with database.write() as session:
            row = session.get_one(Refresh, experiment.id)
            row.lease_epoch += 1
        return fit(*args, **kwargs)

    monkeypatch.setattr(optimize, "fit", overtaken_during_the_fit)
    assert not refresh_once(database, experiment.id, pool_size=2)
    assert pooled(database, experiment) == []
    assert events(database, "suggestion.ready") == []
    with database.read() as session:
        assert session.get(ModelState, experiment.id) is None
        assert session.get_one(Refresh, experiment.id).model_generation == 0


@pytest.mark.parametrize("error", [FitError("no"), MemoryError(), KeyError("a fault of ours")])
def test_models_that_fail_twice_are_left_out_and_it_is_said(
    database: Database, experiment: Experiment, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    report(database, experiment, grid(12))

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(optimize, "fit", fail)
    for _ in range(3):
        refresh_once(database, experiment.id, pool_size=3)
        with database.write() as session:
            row = session.get_one(Refresh, experiment.id)
            if row.due_at is not None:
                row.due_at = NOW
    assert {row.strategy for row in pooled(database, experiment)} == {"quasi_random"}
    assert len(events(database, "model.degraded")) == 1
    with database.read() as session:
        assert session.get_one(Refresh, experiment.id).model_generation == 1
        assert fronts.latest(session, experiment.id) is not None


def test_failed_and_constant_results_are_no_reason_to_fail(database: Database, experiment: Experiment) -> None:
    same = (Value("accuracy", 1.0, None), Value("latency_ms", 1.0, None))
    report(database, experiment, grid(10), values=same)
    with database.write() as session:
        failed = Result(experiment.id, None, {"x": 0.9, "y": 0.9}, (), True, None, "f")
        observations.store(session, [failed], source="http", now=NOW)
    assert refresh_once(database, experiment.id, pool_size=3)
    assert len(pooled(database, experiment)) == 3
