"""Never empty-handed, never the same open one twice, and in the promised order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service import experiments, observations, suggestions
from service.db import Database
from service.errors import InvalidInputError, NotFoundError
from service.models import Event, Experiment, Refresh, Suggestion
from service.paging import Window
from service.refreshes import claim as claim_lease
from service.refreshes import finish, hold, mark_changed
from service.schemas.result import Result
from service.schemas.values import Value
from tests.support import new_experiment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


def pool(database: Database, experiment: Experiment, *xs: float, generation: int = 0) -> None:
    proposals: list[dict[str, Any]] = [
        {"assignments": {"x": x, "y": 0.5}, "strategy": "log_ehvi", "reason": "r", "predicted": None} for x in xs
    ]
    with database.write() as session:
        suggestions.refill(session, experiment.id, proposals, model_generation=generation, now=NOW)


def claim(database: Database, experiment: Experiment, **more: Any) -> Suggestion:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        return suggestions.claim(session, row, now=NOW, **more)


def test_the_queue_comes_first_then_the_pool_then_the_sequence(database: Database, experiment: Experiment) -> None:
    pool(database, experiment, 0.1, 0.2)
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        for x in (0.8, 0.9):
            suggestions.enqueue(session, row, {"x": x, "y": 0}, metadata=None, now=NOW)
    claimed = [claim(database, experiment) for _ in range(5)]
    assert [row.source for row in claimed] == ["queue", "queue", "pool", "pool", "quasi_random"]
    assert [row.assignments["x"] for row in claimed[:4]] == [0.8, 0.9, 0.1, 0.2]
    assert all(row.state == "open" and row.claimed_at == NOW for row in claimed)


def test_a_pool_that_has_not_seen_the_newest_result_is_called_stale(database: Database, experiment: Experiment) -> None:
    pool(database, experiment, 0.1)
    with database.write() as session:
        mark_changed(hold(session, [experiment.id])[experiment.id], observations=1, failures=0, now=NOW)
    assert claim(database, experiment).source == "stale_pool"


def test_claims_at_the_same_time_never_get_the_same(database: Database, experiment: Experiment) -> None:
    pool(database, experiment, *(i / 10 for i in range(5)))
    got: list[Suggestion] = []
    threads = [threading.Thread(target=lambda: got.append(claim(database, experiment))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({row.id for row in got}) == 8
    assert len({row.key for row in got}) == 8


def test_claims_refills_and_results_at_the_same_time_never_stand_in_each_other_s_way(
    database: Database, experiment: Experiment
) -> None:
    """Each takes the refresh's row first: two that took their rows in different orders would wait for each other."""
    errors: list[BaseException] = []

    def many(step: Callable[[int], object]) -> threading.Thread:
        def run() -> None:
            try:
                for number in range(25):
                    step(number)
            except BaseException as error:
                errors.append(error)
                raise

        return threading.Thread(target=run)

    def refill(number: int) -> None:
        proposals: list[dict[str, Any]] = [
            {"assignments": {"x": number / 100, "y": i / 10}, "strategy": "s", "reason": "r", "predicted": None}
            for i in range(4)
        ]
        with database.write() as session:
            hold(session, [experiment.id])
            suggestions.refill(session, experiment.id, proposals, model_generation=0, now=NOW)

    def report(number: int) -> None:
        opened = claim(database, experiment)
        values = (Value("accuracy", 1.0, None), Value("latency_ms", 1.0, None))
        result = Result(experiment.id, opened.id, None, values, False, None, f"r{opened.id}")
        with database.write() as session:
            observations.store(session, [result], source="http", now=NOW)

    threads = [many(refill), many(refill), many(report), many(report)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_pooled_configuration_that_is_open_already_is_passed_over(database: Database, experiment: Experiment) -> None:
    pool(database, experiment, 0.1, 0.2)
    with database.write() as session:
        suggestions.explicit(
            session, session.get_one(Experiment, experiment.id), {"x": 0.1, "y": 0.5}, metadata=None, now=NOW
        )
    assert claim(database, experiment).assignments["x"] == 0.2


def test_the_same_claim_key_finds_the_same_suggestion(database: Database, experiment: Experiment) -> None:
    first = claim(database, experiment, claim_key="retry-1")
    with database.read() as session:
        again = suggestions.claimed_before(session, experiment.id, "retry-1")
        assert again is not None
        assert again.id == first.id
        assert suggestions.claimed_before(session, experiment.id, "retry-2") is None
        assert suggestions.claimed_before(session, experiment.id, None) is None


def test_quasi_random_ones_spread_and_never_repeat(database: Database, experiment: Experiment) -> None:
    claimed = [claim(database, experiment) for _ in range(16)]
    assert len({row.key for row in claimed}) == 16
    quarters = {(row.assignments["x"] > 0.5, row.assignments["y"] > 0.5) for row in claimed}
    assert len(quarters) == 4


def test_quasi_random_ones_pass_over_what_was_measured(database: Database, experiment: Experiment) -> None:
    first = [claim(database, experiment) for _ in range(4)]
    with database.write() as session:
        session.get_one(Experiment, experiment.id).quasi_random_index = 0  # as if a worker had used the sequence
        for row in first:
            values = (Value("accuracy", 1.0, None), Value("latency_ms", 1.0, None))
            result = Result(experiment.id, row.id, None, values, False, None, f"r{row.id}")
            observations.store(session, [result], source="http", now=NOW)
    assert claim(database, experiment).key not in {row.key for row in first}


def test_a_finite_space_that_is_used_up_repeats_rather_than_refuse(database: Database) -> None:
    parameters = [{"name": "kind", "type": "categorical", "categorical_values": ["a", "b"]}]
    with database.write() as session:
        small = new_experiment(session, now=NOW, parameters=parameters)
    kinds = [claim(database, small).assignments["kind"] for _ in range(5)]
    assert set(kinds[:2]) == {"a", "b"}
    assert set(kinds) == {"a", "b"}


def test_a_pool_that_runs_low_asks_once_to_be_filled(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        lease = claim_lease(session, experiment.id, owner="t", now=NOW)
        assert lease is not None
        finish(session, lease, generation=0, now=NOW)
    pool(database, experiment, 0.1, 0.2, 0.3)
    for _ in range(3):
        claim(database, experiment)
    with database.read() as session:
        assert session.get_one(Refresh, experiment.id).due_at == NOW
        assert len(session.scalars(sa.select(Event).where(Event.type == "pool.low")).all()) == 1


class TestWaiting:
    """Waiting for a pool is worth it exactly while a worker is about to bring one."""

    def coming(self, database: Database, experiment: Experiment, after: timedelta, generation: int = 1) -> bool:
        with database.read() as session:
            return suggestions.is_pool_coming(session, experiment.id, generation=generation, now=NOW + after)

    def test_not_for_what_others_report_meanwhile(self, database: Database, experiment: Experiment) -> None:
        with database.write() as session:
            lease = claim_lease(session, experiment.id, owner="t", now=NOW)
            assert lease is not None
            finish(session, lease, generation=0, now=NOW)
            mark_changed(hold(session, [experiment.id])[experiment.id], observations=1, failures=0, now=NOW)
        assert self.coming(database, experiment, timedelta(0), generation=1)
        assert not self.coming(database, experiment, timedelta(0), generation=0)

    def test_not_with_a_pool_that_has_seen_everything(self, database: Database, experiment: Experiment) -> None:
        with database.write() as session:
            lease = claim_lease(session, experiment.id, owner="t", now=NOW)
            assert lease is not None
            finish(session, lease, generation=0, now=NOW)
        assert not self.coming(database, experiment, timedelta(0), generation=0)

    def test_for_a_moment_after_a_change(self, database: Database, experiment: Experiment) -> None:
        with database.write() as session:
            mark_changed(hold(session, [experiment.id])[experiment.id], observations=1, failures=0, now=NOW)
        assert self.coming(database, experiment, timedelta(milliseconds=900))
        assert not self.coming(database, experiment, timedelta(milliseconds=1100))

    def test_as_long_as_a_worker_holds_the_lease(self, database: Database, experiment: Experiment) -> None:
        with database.write() as session:
            mark_changed(hold(session, [experiment.id])[experiment.id], observations=1, failures=0, now=NOW)
            claim_lease(session, experiment.id, owner="t", now=NOW + timedelta(seconds=1))
        assert self.coming(database, experiment, timedelta(seconds=20))
        assert not self.coming(database, experiment, timedelta(seconds=60))

    def test_not_while_something_is_queued(self, database: Database, experiment: Experiment) -> None:
        with database.write() as session:
            mark_changed(hold(session, [experiment.id])[experiment.id], observations=1, failures=0, now=NOW)
            row = session.get_one(Experiment, experiment.id)
            suggestions.enqueue(session, row, {"x": 0, "y": 0}, metadata=None, now=NOW)
        assert not self.coming(database, experiment, timedelta(0))


def test_what_is_queued_or_opened_is_held_against_the_space(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        row = session.get_one(Experiment, experiment.id)
        for add in (suggestions.enqueue, suggestions.explicit):
            with pytest.raises(InvalidInputError, match="Missing assignment for parameter: y"):
                add(session, row, {"x": 0.5}, metadata=None, now=NOW)


def test_a_pooled_suggestion_does_not_exist_for_callers(database: Database, experiment: Experiment) -> None:
    pool(database, experiment, 0.1)
    with database.read() as session:
        pooled = session.scalars(sa.select(Suggestion)).one()
        with pytest.raises(NotFoundError):
            suggestions.find(session, pooled.id, experiment_id=experiment.id)
        page, count = suggestions.listed(session, experiment.id, state="open", window=Window())
        assert (page.rows, count) == ((), 0)


def test_a_deleted_experiment_gives_no_suggestions(database: Database, experiment: Experiment) -> None:
    with database.write() as session:
        session.get_one(Experiment, experiment.id).state = "deleted"
    with pytest.raises(InvalidInputError, match="deleted experiment"):
        claim(database, experiment)


def test_an_open_suggestion_of_a_space_that_is_gone_stands_in_nobody_s_way(database: Database) -> None:
    def kinds(*values: str) -> list[dict[str, Any]]:
        return [{"name": "kind", "type": "categorical", "categorical_values": list(values)}]

    with database.write() as session:
        small = new_experiment(session, now=NOW, parameters=kinds("a", "b", "c"))
        suggestions.explicit(session, small, {"kind": "c"}, metadata=None, now=NOW)
        experiments.update(session, small, {"parameters": kinds("a", "b")}, now=NOW)
    assert {claim(database, small).assignments["kind"] for _ in range(2)} == {"a", "b"}
