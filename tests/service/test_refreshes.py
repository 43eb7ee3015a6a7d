"""One refresh at a time, none forgotten, and nothing written by a worker that was overtaken."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from service import refreshes
from service.db import Database
from service.models import Experiment, Refresh
from service.refreshes import DEBOUNCE, LEASE, Lease
from tests.support import new_experiment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


def claim(database: Database, experiment: Experiment, now: datetime) -> Lease | None:
    with database.write() as session:
        return refreshes.claim(session, experiment.id, owner="test", now=now)


def change(database: Database, experiment: Experiment, now: datetime) -> int:
    with database.write() as session:
        row = refreshes.hold(session, [experiment.id])[experiment.id]
        return refreshes.mark_changed(row, observations=1, failures=0, now=now)


def finish(database: Database, lease: Lease, now: datetime, seen: int = 0) -> bool:
    with database.write() as session:
        return refreshes.finish(session, lease, generation=seen, now=now)


def due(database: Database, now: datetime) -> list[int]:
    with database.read() as session:
        return list(refreshes.due_experiments(session, now=now))


def row(database: Database, experiment: Experiment) -> Refresh:
    with database.read() as session:
        return session.get_one(Refresh, experiment.id)


def test_a_new_experiment_is_due_so_that_its_pool_is_filled(database: Database, experiment: Experiment) -> None:
    assert due(database, NOW) == [experiment.id]


def test_of_two_workers_one_gets_the_lease(database: Database, experiment: Experiment) -> None:
    got: list[Lease | None] = []
    threads = [threading.Thread(target=lambda: got.append(claim(database, experiment, NOW))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert sum(lease is not None for lease in got) == 1


def test_after_a_finish_nothing_is_due_until_something_changes(database: Database, experiment: Experiment) -> None:
    lease = claim(database, experiment, NOW)
    assert lease is not None
    assert finish(database, lease, NOW)
    assert due(database, NOW + timedelta(days=1)) == []
    assert claim(database, experiment, NOW + timedelta(days=1)) is None
    change(database, experiment, NOW)
    assert due(database, NOW + DEBOUNCE) == [experiment.id]


def test_a_change_during_a_refresh_makes_the_next_one_due_at_once(database: Database, experiment: Experiment) -> None:
    lease = claim(database, experiment, NOW)
    assert lease is not None
    change(database, experiment, NOW)
    assert due(database, NOW + DEBOUNCE) == []
    finish(database, lease, NOW)
    assert due(database, NOW) == [experiment.id]
    assert row(database, experiment).model_generation == 0
    again = claim(database, experiment, NOW)
    assert again is not None
    assert finish(database, again, NOW, seen=1)
    assert due(database, NOW + timedelta(days=1)) == []
    assert row(database, experiment).model_generation == 1


def test_a_dead_worker_s_lease_ends_and_another_takes_over(database: Database, experiment: Experiment) -> None:
    assert claim(database, experiment, NOW) is not None
    assert claim(database, experiment, NOW + timedelta(seconds=10)) is None
    later = NOW + LEASE + timedelta(seconds=3)
    assert due(database, later) == [experiment.id]
    assert claim(database, experiment, later) is not None


def test_an_overtaken_worker_changes_nothing(database: Database, experiment: Experiment) -> None:
    slow = claim(database, experiment, NOW)
    later = NOW + LEASE + timedelta(seconds=3)
    fast = claim(database, experiment, later)
    assert slow is not None
    assert fast is not None
    assert not finish(database, slow, later)
    with database.write() as session:
        assert not refreshes.extend(session, slow, now=later)
        assert not refreshes.fail(session, slow, error="late")
        assert not refreshes.front_published(session, slow, generation=0, now=later)
    assert row(database, experiment).last_error is None
    assert finish(database, fast, later)


def test_an_extended_lease_is_kept(database: Database, experiment: Experiment) -> None:
    lease = claim(database, experiment, NOW)
    assert lease is not None
    with database.write() as session:
        assert refreshes.extend(session, lease, now=NOW + timedelta(seconds=20))
    assert claim(database, experiment, NOW + timedelta(seconds=40)) is None


def test_failures_wait_longer_and_longer_and_then_go_without_models(database: Database, experiment: Experiment) -> None:
    now, waits, degraded = NOW, [], []
    for _ in range(4):
        lease = claim(database, experiment, now)
        assert lease is not None
        degraded.append(lease.is_degraded)
        with database.write() as session:
            refreshes.fail(session, lease, error="LinAlgError: no")
        due_at = row(database, experiment).due_at
        assert due_at is not None
        waits.append((due_at - now).total_seconds())
        now = due_at
    assert waits == [1, 2, 4, 8]
    assert degraded == [False, False, True, True]
    assert row(database, experiment).last_error == "LinAlgError: no"


def test_a_worker_that_dies_counts_as_a_failed_attempt(database: Database, experiment: Experiment) -> None:
    now = NOW
    for expected in (1, 2, 3):
        lease = claim(database, experiment, now)
        assert lease is not None
        assert lease.attempts == expected
        now += LEASE + timedelta(minutes=1)


def test_results_while_attempts_fail_do_not_cut_the_pause_short(database: Database, experiment: Experiment) -> None:
    lease = claim(database, experiment, NOW)
    assert lease is not None
    with database.write() as session:
        refreshes.fail(session, lease, error="no")
    change(database, experiment, NOW)
    assert due(database, NOW + timedelta(milliseconds=500)) == []
    assert due(database, NOW + timedelta(seconds=1)) == [experiment.id]


def test_a_stream_of_results_is_answered_at_the_latest_after_five_seconds(
    database: Database, experiment: Experiment
) -> None:
    """Ten seconds of results, ten a second: the first of them is not made to wait for the last."""
    lease = claim(database, experiment, NOW)
    assert lease is not None
    finish(database, lease, NOW)
    for step in range(100):
        change(database, experiment, NOW + step * timedelta(milliseconds=100))
    assert due(database, NOW + timedelta(seconds=5)) == [experiment.id]


def rested(database: Database, experiment: Experiment, rest: timedelta, *, more: bool) -> None:
    """Do one refresh that is followed by `rest`; with `more`, a result came while it ran."""
    change(database, experiment, NOW)
    lease = claim(database, experiment, NOW)
    assert lease is not None
    seen = change(database, experiment, NOW) - more
    with database.write() as session:
        assert refreshes.finish(session, lease, generation=seen, now=NOW, rest=rest)


@pytest.mark.parametrize("more", [True, False])
def test_after_a_refresh_that_cost_much_the_next_one_waits(
    database: Database, experiment: Experiment, more: bool
) -> None:
    rest = timedelta(seconds=3)
    rested(database, experiment, rest, more=more)
    change(database, experiment, NOW + timedelta(seconds=1))
    assert claim(database, experiment, NOW + timedelta(seconds=2)) is None
    assert claim(database, experiment, NOW + rest) is not None


def test_a_look_says_what_a_claim_would_find(database: Database, experiment: Experiment) -> None:
    def is_due(after: timedelta) -> bool:
        with database.read() as session:
            return refreshes.is_due(session, experiment.id, now=NOW + after)

    rested(database, experiment, timedelta(0), more=False)
    assert not is_due(timedelta(0))
    change(database, experiment, NOW)
    assert is_due(DEBOUNCE)
    assert claim(database, experiment, NOW + DEBOUNCE) is not None
    assert not is_due(DEBOUNCE)
    assert is_due(DEBOUNCE + LEASE + timedelta(minutes=5))


def test_rest_grows_with_the_cost_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    costs = [0.0, refreshes.CHEAP_S, 0.5, 2.0, 1e4]
    rests = [refreshes.rest_after(cost) for cost in costs]
    assert rests == sorted(rests)
    assert rests[1] == timedelta(0) < rests[2]
    assert rests[-1] == refreshes.LONGEST_REST


def test_to_hold_a_row_counts_its_version_up_once(database: Database, experiment: Experiment) -> None:
    def version() -> int:
        with database.read() as session:
            return session.get_one(Refresh, experiment.id).version

    before = version()
    with database.write() as session:
        first = refreshes.hold(session, [experiment.id])
        assert refreshes.hold(session, [experiment.id]) == first
        assert refreshes.is_held(session, experiment.id)
    assert version() == before + 1
    with database.write() as session:
        assert not refreshes.is_held(session, experiment.id)
        assert refreshes.hold(session, [experiment.id, 10**9]).keys() == {experiment.id}
    assert version() == before + 2
