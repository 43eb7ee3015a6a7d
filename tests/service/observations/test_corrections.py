"""Whatever is changed or taken back, what is left counts as if it had been all there ever was."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service import observations, suggestions
from service.db import Database
from service.errors import ConflictError, InvalidInputError, NotFoundError
from service.models import Configuration, Correction, Event, Experiment, Observation, Refresh, Suggestion
from service.observations import Duplicate, Stored
from service.pooling import pool
from service.schemas.result import Result, Value
from tests.support import new_experiment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TASKS = [{"name": "cheap", "cost": 0.1}, {"name": "full", "cost": 1.0}]


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


def report(database: Database, experiment: Experiment, x: float = 0.5, **more: Any) -> int:
    values = (Value("accuracy", more.pop("accuracy", 1.0), more.pop("stddev", None)), Value("latency_ms", 1.0, None))
    given: dict[str, Any] = {
        "experiment_id": experiment.id,
        "suggestion_id": None,
        "assignments": {"x": x, "y": 0.0},
        "values": values,
        "failed": False,
        "metadata": None,
        "result_id": f"r{x}-{more}",
        **more,
    }
    with database.write() as session:
        (outcome,) = observations.store(session, [Result(**given)], source="http", now=NOW)
    assert isinstance(outcome, Stored), outcome
    return outcome.observation_id


def change(database: Database, experiment: Experiment, key: int, **body: Any) -> None:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        observations.update(session, row, key, body, token_id=None, now=LATER)


def take_back(database: Database, experiment: Experiment, key: int) -> None:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        observations.delete(session, row, key, token_id=None, now=LATER)


def sums_of(database: Database, experiment: Experiment) -> dict[str, tuple[dict[str, Any], int]]:
    with database.read() as session:
        rows = session.scalars(sa.select(Configuration).where(Configuration.experiment_id == experiment.id))
        return {row.key: (row.sums, row.failures) for row in rows if row.sums or row.failures}


def pooled_in_one_go(database: Database, experiment: Experiment) -> dict[str, tuple[dict[str, Any], int]]:
    """What the remaining observations give, pooled one after the other: the slow, obvious twin."""
    sums: dict[str, dict[str, Any]] = {}
    failures: Counter[str] = Counter()
    with database.read() as session:
        rows = session.execute(
            sa.select(Observation, Configuration.key)
            .join(Configuration, Configuration.id == Observation.configuration_id)
            .where(Observation.experiment_id == experiment.id, Observation.deleted_at.is_(None))
            .order_by(Observation.id)
        ).all()
    for row, key in rows:
        mine = sums.setdefault(key, {})
        failures[key] += row.failed
        for v in row.values:
            mine[v["name"]] = pool(mine.get(v["name"]), v["value"], v["value_stddev"])
    return {key: (mine, failures[key]) for key, mine in sums.items()}


numbers = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([1.7e308, -1.7e308, 1e-300]))
values = st.fixed_dictionaries({"accuracy": numbers, "latency_ms": numbers})
stddevs = st.one_of(st.none(), st.floats(0, 10))
places = st.sampled_from([0.1, 0.2, 0.3])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), places, numbers, stddevs),
        st.tuples(st.just("move"), places, st.integers(0, 20)),
        st.tuples(st.just("correct"), values, st.integers(0, 20)),
        st.tuples(st.just("fail"), st.booleans(), st.integers(0, 20)),
        st.tuples(st.just("delete"), st.integers(0, 20)),
        st.tuples(st.just("delete all")),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_after_any_corrections_the_sums_are_those_of_what_is_left(sqlite_only: Database, steps: Any) -> None:
    with sqlite_only.write() as session:
        experiment = new_experiment(session, now=NOW, metrics=[{"name": "accuracy"}, {"name": "latency_ms"}])
    made: list[int] = []
    gone: set[int] = set()
    for number, (kind, *rest) in enumerate([("create", 0.1, 1.0, None), *steps]):
        if kind == "create":
            x, value, stddev = rest
            made.append(report(sqlite_only, experiment, x, accuracy=value, stddev=stddev, result_id=f"r{number}"))
            continue
        if kind == "delete all":
            with sqlite_only.write() as session:
                row = session.get_one(Experiment, experiment.id)
                observations.delete_all(session, row, token_id=None, now=LATER)
            gone |= set(made)
            continue
        key = made[rest[-1] % len(made)]
        if kind == "delete":
            take_back(sqlite_only, experiment, key)
            gone.add(key)
        elif key not in gone:
            body = {
                "move": lambda given: {"assignments": {"x": given, "y": 0.0}},
                "correct": lambda given: {"values": given, "failed": False},
                "fail": lambda given: {"failed": True, "values": None} if given else {"metadata": {"a": 1}},
            }[kind](rest[0])
            change(sqlite_only, experiment, key, **body)
    assert sums_of(sqlite_only, experiment) == pooled_in_one_go(sqlite_only, experiment)
    with sqlite_only.read() as session:
        row = session.get_one(Refresh, experiment.id)
        mine = sa.select(Observation).where(Observation.experiment_id == experiment.id)
        left = session.scalars(mine.where(Observation.deleted_at.is_(None))).all()
        assert (row.observation_count, row.failure_count) == (len(left), sum(item.failed for item in left))
        trail = sa.select(sa.func.count()).where(Correction.observation_id.in_(made))
        assert session.scalar(trail) == sum(item.revision - 1 for item in session.scalars(mine))


def test_a_change_is_kept_with_what_was_before_and_what_follows_is_made_anew(
    database: Database, experiment: Experiment
) -> None:
    key = report(database, experiment, metadata={"host": "a"})
    change(database, experiment, key, values={"accuracy": 2.0, "latency_ms": 3.0}, metadata=None)
    with database.read() as session:
        row, _ = observations.find(session, key, experiment_id=experiment.id)
        assert (row.revision, row.updated_at, row.meta) == (2, LATER, None)
        (before,) = observations.history(session, key)
        assert (before.revision, before.created_at) == (1, LATER)
        assert before.before["values"][0] == {"name": "accuracy", "value": 1.0, "value_stddev": None}
        assert before.before["metadata"] == {"host": "a"}
        refresh = session.get_one(Refresh, experiment.id)
        assert refresh.data_generation == 2
        assert refresh.due_at is not None
        event = session.scalars(sa.select(Event).where(Event.type == "observation.corrected")).one()
        assert event.data == {"data_generation": 2, "change": "updated", "count": 1, "observation": str(key)}


def test_a_change_of_nothing_leaves_no_trace(database: Database, experiment: Experiment) -> None:
    key = report(database, experiment)
    change(database, experiment, key)
    change(database, experiment, key, values={"accuracy": 1.0, "latency_ms": 1.0}, failed=False, no_optimize=True)
    with database.read() as session:
        assert session.get_one(Observation, key).revision == 1
        assert session.get_one(Refresh, experiment.id).data_generation == 1


def test_an_observation_that_was_taken_back_is_readable_and_final(database: Database, experiment: Experiment) -> None:
    key = report(database, experiment)
    take_back(database, experiment, key)
    take_back(database, experiment, key)
    with pytest.raises(ConflictError, match="is deleted"):
        change(database, experiment, key, metadata={})
    with database.read() as session:
        row, _ = observations.find(session, key, experiment_id=experiment.id)
        assert (row.deleted_at, row.revision) == (LATER, 2)
        assert observations.ends(session, experiment.id) == (None, None)


def test_a_result_that_was_taken_back_and_comes_again_is_a_duplicate(
    database: Database, experiment: Experiment
) -> None:
    key = report(database, experiment, result_id="once")
    take_back(database, experiment, key)
    again = Result(
        experiment.id, None, {"x": 0.5, "y": 0.0}, (Value("accuracy", 1.0, None), Value("latency_ms", 1.0, None)),
        False, None, "once",
    )  # fmt: skip
    with database.write() as session:
        assert observations.store(session, [again], source="stream", now=LATER) == [Duplicate(key)]
    with database.read() as session:
        assert session.get_one(Refresh, experiment.id).observation_count == 0


def test_a_result_may_go_to_another_suggestion_and_closes_it(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        first, second = (suggestions.claim(session, row, now=NOW) for _ in range(2))
        with_lease = suggestions.claim(session, row, lease_s=1, now=NOW)
        suggestions.delete(session, row, second.id, now=NOW)
        suggestions.expire(session, row.id, now=LATER)
    key = report(database, experiment, suggestion_id=first.id, assignments=None)
    for other in (second, with_lease):
        change(database, experiment, key, suggestion=other.id)
        assert state(database, other) == "closed"
        with database.read() as session:
            configuration = observations.find(session, key, experiment_id=experiment.id)[1]
            assert configuration.assignments == other.assignments
    take_back(database, experiment, key)
    assert state(database, with_lease) == "closed"


def state(database: Database, suggestion: Suggestion) -> str:
    with database.read() as session:
        return session.get_one(Suggestion, suggestion.id).state


@pytest.mark.parametrize("elsewhere", [{"suggestion": None, "assignments": {"x": 3, "y": 0.5}}, {"suggestion": 2}])
def test_a_suggestion_whose_only_result_was_another_ones_is_being_tried_again(
    database: Database, experiment: Experiment, elsewhere: dict[str, Any]
) -> None:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        left, _, expired = (suggestions.claim(session, row, lease_s=lease, now=NOW) for lease in (None, None, 1))
    key = report(database, experiment, suggestion_id=left.id, assignments=None)
    change(database, experiment, key, **elsewhere)
    assert state(database, left) == "open"
    with database.read() as session:
        assert session.get_one(Suggestion, left.id).closed_at is None
    late = report(database, experiment, suggestion_id=expired.id, assignments=None, result_id="late")
    change(database, experiment, late, **elsewhere)
    with database.write() as session:
        assert list(suggestions.expire(session, experiment.id, now=LATER)) == [expired.id]


def test_a_suggestion_keeps_closed_while_another_result_is_its_own_even_one_taken_back(
    database: Database, experiment: Experiment
) -> None:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        tried, other = (suggestions.claim(session, row, now=NOW) for _ in range(2))
    first, second = (
        report(database, experiment, suggestion_id=tried.id, assignments=None, result_id=name) for name in "ab"
    )
    take_back(database, experiment, first)
    change(database, experiment, second, suggestion=other.id)
    assert (state(database, tried), state(database, other)) == ("closed", "closed")


REFUSED: dict[str, dict[str, Any]] = {
    "neither suggestion nor assignments": {"assignments": None},
    "both": {"suggestion": 1},
    "a suggestion of nobody": {"suggestion": 77, "assignments": None},
    "no values": {"values": None},
    "failed, with the values of before": {"failed": True},
    "a part of the values": {"values": [{"name": "accuracy", "value": 1}]},
    "an unknown metric": {"values": {"acuracy": 1, "latency_ms": 1}},
    "a value that is null": {"values": [{"name": "accuracy", "value": None}, {"name": "latency_ms"}]},
    "an unknown key": {"foo": 1},
    "a task where there are none": {"task": "cheap"},
    "a word for failed": {"failed": "yes"},
    "assignments outside the space": {"assignments": {"z": 1}},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_correction_that_makes_no_sense_is_refused(sqlite_only: Database, case: str) -> None:
    with sqlite_only.write() as session:
        experiment = new_experiment(session, now=NOW)
    key = report(sqlite_only, experiment)
    with pytest.raises(InvalidInputError) as refused:
        change(sqlite_only, experiment, key, **REFUSED[case])
    assert refused.value.facts["field"]
    with sqlite_only.read() as session:
        assert session.get_one(Observation, key).revision == 1


def test_what_an_item_leaves_out_stays_as_it_was(sqlite_only: Database) -> None:
    with sqlite_only.write() as session:
        experiment = new_experiment(session, now=NOW)
    key = report(sqlite_only, experiment, stddev=0.5)
    change(
        sqlite_only,
        experiment,
        key,
        values=[{"name": "accuracy", "value": 3}, {"name": "latency_ms", "value_stddev": 0.1}],
    )
    with sqlite_only.read() as session:
        assert session.get_one(Observation, key).values == [
            {"name": "accuracy", "value": 3.0, "value_stddev": 0.5},
            {"name": "latency_ms", "value": 1.0, "value_stddev": 0.1},
        ]


def test_late_metrics_complete_a_partial_observation(sqlite_only: Database) -> None:
    with sqlite_only.write() as session:
        experiment = new_experiment(session, now=NOW)
    key = report(sqlite_only, experiment, values=(Value("latency_ms", 5.0, None),), partial=True)
    change(sqlite_only, experiment, key, values={"accuracy": 0.9})
    with sqlite_only.read() as session:
        row, configuration = observations.find(session, key, experiment_id=experiment.id)
        assert not row.partial
        assert [value["name"] for value in row.values] == ["accuracy", "latency_ms"]
        assert {name: sums["mean"] for name, sums in configuration.sums.items()} == {"accuracy": 0.9, "latency_ms": 5.0}


def test_the_task_of_own_assignments_can_change_and_counts_in_its_configuration(sqlite_only: Database) -> None:
    with sqlite_only.write() as session:
        experiment = new_experiment(session, now=NOW, metrics=["a"], tasks=TASKS, observation_budget=9)
        suggestion = suggestions.claim(session, experiment, now=NOW)
    values = (Value("a", 1.0, None),)
    key = report(sqlite_only, experiment, values=values, task="cheap")
    change(sqlite_only, experiment, key, task={"name": "full", "cost": 1})
    with sqlite_only.read() as session:
        row, configuration = observations.find(session, key, experiment_id=experiment.id)
        assert (row.task, configuration.task) == ("full", "full")
        refresh = session.get_one(Refresh, experiment.id)
        assert {task: n for task, n in refresh.task_counts.items() if n} == {"full": 1}
        assert observations.best(session, experiment) == (row, configuration)
    of_suggestion = report(sqlite_only, experiment, values=values, suggestion_id=suggestion.id, assignments=None)
    with sqlite_only.read() as session:
        assert session.get_one(Observation, of_suggestion).task == suggestion.task
    for body in ({"task": "cheap"}, {"suggestion": None, "assignments": {"x": 0.1, "y": 0.1}}):
        with pytest.raises(InvalidInputError, match="task"):
            change(sqlite_only, experiment, of_suggestion, **body)


def test_the_best_follows_corrections(database: Database) -> None:
    with database.write() as session:
        experiment = new_experiment(
            session,
            now=NOW,
            metrics=[
                {"name": "accuracy"},
                {"name": "latency_ms", "objective": "minimize", "strategy": "constraint", "threshold": 10},
            ],
        )

    def best() -> int | None:
        with database.read() as session:
            found = observations.best(session, session.get_one(Experiment, experiment.id))
            return found and found[0].id

    assert best() is None
    slow = report(database, experiment, 0.1, values=(Value("accuracy", 9.0, None), Value("latency_ms", 11.0, None)))
    assert best() is None
    good = report(database, experiment, 0.2, accuracy=2.0)
    better = report(database, experiment, 0.3, accuracy=3.0)
    assert best() == better
    change(database, experiment, better, values={"accuracy": 1.0, "latency_ms": 1.0})
    assert best() == good
    last = report(database, experiment, 0.4, accuracy=1.5)
    assert best() == good
    take_back(database, experiment, good)
    assert best() == last
    change(database, experiment, slow, values={"accuracy": 9.0, "latency_ms": 10.0})
    assert best() == slow


def test_an_observation_of_another_experiment_is_not_found(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        other = new_experiment(session, now=NOW)
    key = report(database, other)
    with database.read() as session, pytest.raises(NotFoundError):
        observations.find(session, key, experiment_id=experiment.id)
