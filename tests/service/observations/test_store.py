"""Each result becomes a row exactly once, and what follows from it is in the same transaction."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from service import observations, suggestions
from service.db import Database
from service.errors import ConflictError, InvalidInputError
from service.models import Configuration, Event, Experiment, Observation, Refresh, Suggestion
from service.observations import Duplicate, Refused, Stored
from service.schemas.result import Result, Value
from tests.support import new_experiment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


def result(experiment: Experiment, result_id: str, x: float = 0.5, value: float = 1.0, **more: Any) -> Result:
    given: dict[str, Any] = {
        "experiment_id": experiment.id,
        "suggestion_id": None,
        "assignments": {"x": x, "y": 0.0},
        "values": (Value("accuracy", value, None), Value("latency_ms", 1.0, None)),
        "failed": False,
        "metadata": None,
        "result_id": result_id,
    }
    return Result(**{**given, **more})


def counts(database: Database, experiment: Experiment) -> tuple[int, int, int]:
    with database.read() as session:
        row = session.get_one(Refresh, experiment.id)
        rows = session.scalar(sa.select(sa.func.count()).select_from(Observation)) or 0
        return rows, row.observation_count, row.data_generation


def test_a_batch_is_stored_in_its_order_with_one_event(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        outcomes = observations.store(
            session, [result(experiment, f"r{i}", x=i / 10) for i in range(5)], source="stream", now=NOW
        )
    assert [type(outcome) for outcome in outcomes] == [Stored] * 5
    assert counts(database, experiment) == (5, 5, 1)
    with database.read() as session:
        events = session.scalars(sa.select(Event).where(Event.type == "observation.recorded")).all()
        assert [event.data for event in events] == [{"data_generation": 1, "count": 5}]


def test_the_same_result_counts_once_however_often_it_comes(database: Database, experiment: Experiment) -> None:
    for _ in range(3):
        with database.write() as session:
            outcomes = observations.store(
                session, [result(experiment, "same"), result(experiment, "same")], source="stream", now=NOW
            )
    assert all(isinstance(outcome, Duplicate) for outcome in outcomes)
    assert counts(database, experiment) == (1, 1, 1)
    with database.read() as session:
        assert session.scalars(sa.select(Configuration)).one().sums["accuracy"]["n"] == 1


def test_the_same_id_with_another_payload_is_a_conflict_and_the_first_stays(
    database: Database, experiment: Experiment
) -> None:
    with database.write() as session:
        observations.store(session, [result(experiment, "id", value=1.0)], source="http", now=NOW)
    with database.write() as session:
        (outcome,) = observations.store(session, [result(experiment, "id", x=0.9, value=2.0)], source="http", now=NOW)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ConflictError)
    with database.read() as session:
        assert [row.values[0]["value"] for row in session.scalars(sa.select(Observation))] == [1.0]
        assert len(session.scalars(sa.select(Configuration)).all()) == 1


def test_any_order_and_any_repetition_end_in_the_same_sums(database: Database, experiment: Experiment) -> None:
    dice = random.Random(7)
    sent = [result(experiment, f"r{i}", x=(i % 3) / 10, value=float(i)) for i in range(30)]
    again = [*sent, *dice.choices(sent, k=20)]
    dice.shuffle(again)
    while again:
        size = dice.randint(1, 9)
        with database.write() as session:
            observations.store(session, again[:size], source="stream", now=NOW)
        again = again[size:]
    with database.read() as session:
        rows = session.scalars(sa.select(Configuration)).all()
        assert {row.assignments["x"]: row.sums["accuracy"]["n"] for row in rows} == {0.0: 10, 0.1: 10, 0.2: 10}
        means = {row.assignments["x"]: row.sums["accuracy"]["mean"] for row in rows}
    assert means == pytest.approx({0.0: 13.5, 0.1: 14.5, 0.2: 15.5})
    assert counts(database, experiment)[:2] == (30, 30)


def test_a_result_closes_its_suggestion_and_takes_its_configuration(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        opened = suggestions.explicit(session, experiment, {"x": 0.25, "y": 0.5}, metadata=None, now=NOW)
    with database.write() as session:
        of_suggestion = result(experiment, "r", suggestion_id=opened.id, assignments=None)
        (outcome,) = observations.store(session, [of_suggestion], source="stream", now=NOW)
    assert isinstance(outcome, Stored)
    with database.read() as session:
        assert session.get_one(Suggestion, opened.id).state == "closed"
        row, configuration = observations.find(session, outcome.observation_id, experiment_id=experiment.id)
        assert (row.suggestion_id, configuration.assignments) == (opened.id, {"x": 0.25, "y": 0.5})


def test_a_result_of_an_unknown_suggestion_is_refused_beside_good_ones(
    database: Database, experiment: Experiment
) -> None:
    with database.write() as session:
        pooled = Suggestion(
            experiment_id=experiment.id,
            state="pooled",
            key="k",
            assignments={"x": 0.0, "y": 0.0},
            source="pool",
            created_at=NOW,
        )
        session.add(pooled)
    batch = [
        result(experiment, "a", suggestion_id=999_999, assignments=None),
        result(experiment, "b", suggestion_id=pooled.id, assignments=None),
        result(experiment, "c"),
    ]
    with database.write() as session:
        unknown, never_claimed, good = observations.store(session, batch, source="stream", now=NOW)
    assert isinstance(unknown, Refused)
    assert isinstance(never_claimed, Refused)
    assert isinstance(unknown.error, InvalidInputError)
    assert isinstance(good, Stored)
    assert counts(database, experiment)[0] == 1


def test_failures_are_counted_and_kept_with_their_configuration(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        observations.store(session, [result(experiment, "f", failed=True, values=())], source="stream", now=NOW)
    with database.read() as session:
        row = session.get_one(Refresh, experiment.id)
        assert (row.observation_count, row.failure_count) == (1, 1)
        assert session.scalars(sa.select(Configuration)).one().failures == 1


def test_results_of_several_experiments_in_one_batch_stay_apart(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        other = new_experiment(session, now=NOW)
    batch = [result(experiment, "same"), result(other, "same"), result(other, "more", x=0.1)]
    with database.write() as session:
        outcomes = observations.store(session, batch, source="stream", now=NOW)
    assert all(isinstance(outcome, Stored) for outcome in outcomes)
    with database.read() as session:
        refreshed = {row.experiment_id: row.observation_count for row in session.scalars(sa.select(Refresh))}
    assert refreshed == {experiment.id: 1, other.id: 2}


def test_what_is_rolled_back_leaves_nothing(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        observations.store(session, [result(experiment, "r")], source="stream", now=NOW)
        session.rollback()
    assert counts(database, experiment) == (0, 0, 0)
    with database.read() as session:
        assert not session.scalars(sa.select(Event).where(Event.type == "observation.recorded")).all()
