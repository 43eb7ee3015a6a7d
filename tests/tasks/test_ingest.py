"""Every message ends in exactly one place: a row, a duplicate, or a dead letter that says why."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis as redis_client
import sqlalchemy as sa

from service.db import Database
from service.models import Experiment, Observation, Refresh, Rejection
from service.nudge import Nudge
from service.schemas.result import parse_document
from tasks.ingest import MOST_DELIVERIES, Incoming, Loop, ingest, of_task
from tasks.stream import DEAD, STREAM, ResultStream
from tests.support import new_experiment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


@pytest.fixture
def loop(database: Database, redis_url: str) -> Iterator[Loop]:
    stream = ResultStream(redis_url, "test", stale_ms=50)
    made = Loop(database, stream, Nudge(redis_url))
    yield made
    stream.close()


def running(loop: Loop, until: Callable[[], bool]) -> None:
    """Run the loop until what is waited for has happened."""
    thread = threading.Thread(target=loop.run)
    thread.start()
    deadline = time.monotonic() + 30
    try:
        while not until():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.02)
    finally:
        loop.stopping.set()
        thread.join(10)
    assert not thread.is_alive()


def acknowledged(redis: redis_client.Redis, count: int) -> bool:
    groups = redis.xinfo_groups(STREAM)
    return bool(groups and groups[0]["pending"] == 0 and groups[0]["entries-read"] == count)


def reasons(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(sa.select(Rejection.reason).order_by(Rejection.id)))


def stored(database: Database) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Observation)) or 0


def document(experiment: Experiment, number: int, **more: Any) -> dict[str, Any]:
    return {
        "experiment": experiment.id,
        "assignments": {"x": number / 1000, "y": 0.5},
        "values": {"accuracy": number, "latency_ms": 1.0},
        "result_id": f"r{number}",
        **more,
    }


def incoming(message_id: str, body: dict[str, Any]) -> Incoming:
    return Incoming(message_id, body, lambda: parse_document(body, result_id=message_id))


def test_the_line_of_the_readme_becomes_a_row(
    database: Database, experiment: Experiment, redis: redis_client.Redis, loop: Loop
) -> None:
    line = {"experiment": experiment.id, "assignments.x": "0.5", "assignments.y": "0.1", "accuracy": "0.913"}
    redis.xadd(STREAM, {**line, "latency_ms": "12.4", "accuracy.stddev": "0.01"})
    running(loop, lambda: stored(database) == 1)
    with database.read() as session:
        row = session.scalars(sa.select(Observation)).one()
        assert row.values == [
            {"name": "accuracy", "value": 0.913, "value_stddev": 0.01},
            {"name": "latency_ms", "value": 12.4, "value_stddev": None},
        ]
        assert row.source == "stream"


def test_bad_messages_are_set_aside_and_good_neighbours_stored(
    database: Database, experiment: Experiment, redis: redis_client.Redis, loop: Loop
) -> None:
    bad: list[dict[bytes | str, bytes | str]] = [
        {"data": json.dumps(document(experiment, 1, values={"acuracy": 1, "latency_ms": 1}))},
        {"data": "{"},
        {"data": b"\xff\xfe"},
        {"experiment": str(experiment.id), "accuracy": "nan"},
        {"experiment": "999999", "suggestion": "1", "accuracy": "1"},
        {"experiment": str(experiment.id), "suggestion": "999999", "accuracy": "1", "latency_ms": "1"},
        {"na\x00me": "1", "experiment": str(experiment.id)},
        {"data": json.dumps(document(experiment, 2)).replace("r2", "\\u0000")},
    ]
    for number, fields in enumerate(bad):
        redis.xadd(STREAM, {"data": json.dumps(document(experiment, 100 + number))})
        redis.xadd(STREAM, fields)  # type: ignore[arg-type]
    running(loop, lambda: acknowledged(redis, 2 * len(bad)))
    assert stored(database) == len(bad)
    assert len(reasons(database)) == len(bad)
    assert "unknown metric 'acuracy'; did you mean 'accuracy'?" in reasons(database)
    letters = [fields for _, fields in redis.xrange(DEAD)]
    assert sorted(letter[b"reason"].decode() for letter in letters) == sorted(reasons(database))
    assert all(json.loads(letter[b"raw"]) for letter in letters)


def test_the_rejection_knows_its_experiment_where_there_is_one(
    database: Database, experiment: Experiment, redis: redis_client.Redis, loop: Loop
) -> None:
    redis.xadd(STREAM, {"experiment": str(experiment.id), "suggestion": "1", "acuracy": "1"})
    redis.xadd(STREAM, {"experiment": "999999", "suggestion": "1"})
    running(loop, lambda: acknowledged(redis, 2))
    with database.read() as session:
        assert session.scalars(sa.select(Rejection.experiment_id).order_by(Rejection.id)).all() == [experiment.id, None]


def test_a_value_that_only_the_database_refuses_is_found_by_halving(database: Database, experiment: Experiment) -> None:
    """The schemas refuse NUL; should one slip through, it must not take 499 good results with it."""
    batch = [incoming(f"{n}-0", document(experiment, n)) for n in range(20)]

    def broken() -> Any:
        message = parse_document(document(experiment, 7), result_id="7-0")
        object.__setattr__(message, "metadata", {"note": float("nan")})
        return message

    batch[7] = Incoming("7-0", {"note": "slipped through"}, broken)
    done = ingest(database, batch, source="stream")
    assert (done.stored, done.duplicates, [letter.message_id for letter in done.dead]) == (19, 0, ["7-0"])
    assert stored(database) == 19
    assert reasons(database) == ["a value cannot be stored: expected plain text and finite numbers"]


def test_messages_that_come_again_after_the_commit_change_nothing(database: Database, experiment: Experiment) -> None:
    """An ingester that dies between commit and acknowledgement reads the same batch again."""
    batch = [incoming(f"{n}-0", document(experiment, n)) for n in range(5)]
    batch.append(incoming("bad-0", {"experiment": experiment.id}))
    first = ingest(database, batch, source="stream")
    second = ingest(database, batch, source="stream")
    assert (first.stored, first.duplicates, len(first.dead)) == (5, 0, 1)
    assert (second.stored, second.duplicates, len(second.dead)) == (0, 5, 1)
    assert (stored(database), len(reasons(database))) == (5, 1)
    with database.read() as session:
        assert session.get_one(Refresh, experiment.id).observation_count == 5


def test_what_an_earlier_life_read_and_never_finished_is_stored_first(
    database: Database, experiment: Experiment, redis: redis_client.Redis, redis_url: str, loop: Loop
) -> None:
    redis.xadd(STREAM, {"data": json.dumps(document(experiment, 1))})
    earlier = ResultStream(redis_url, "test")
    earlier.create_group()
    assert len(earlier.read(count=10, block_ms=10)) == 1
    earlier.close()
    running(loop, lambda: stored(database) == 1)
    assert acknowledged(redis, 1)


def test_a_message_that_ends_its_reader_each_time_is_set_aside_alone(
    database: Database, experiment: Experiment, redis: redis_client.Redis, redis_url: str, loop: Loop
) -> None:
    """Six lives read the killer; the neighbours that were read with it must not suffer for it."""
    redis.xadd(STREAM, {"data": json.dumps(document(experiment, 1))})
    redis.xadd(STREAM, {"data": json.dumps(document(experiment, 2))})
    dying = ResultStream(redis_url, "test")
    dying.create_group()
    dying.read(count=10, block_ms=10)
    for _ in range(MOST_DELIVERIES):
        dying.own_pending(count=1)
    dying.close()
    running(loop, lambda: acknowledged(redis, 2))
    assert stored(database) == 1
    (reason,) = reasons(database)
    assert "reading it seems to end the process" in reason


def test_a_broken_database_is_waited_for_and_nothing_is_acknowledged(
    redis: redis_client.Redis, redis_url: str, database: Database, experiment: Experiment
) -> None:
    redis.xadd(STREAM, {"data": json.dumps(document(experiment, 1))})
    away = Database("postgresql://nobody@127.0.0.1:1/none")
    stream = ResultStream(redis_url, "test")
    waiting = Loop(away, stream, Nudge(redis_url))

    def read() -> bool:
        groups = redis.xinfo_groups(STREAM)
        return bool(groups and groups[0]["pending"] == 1)

    running(waiting, read)
    away.close()
    assert redis.xlen(DEAD) == 0
    back = Loop(database, stream, Nudge(redis_url))
    running(back, lambda: stored(database) == 1)
    stream.close()


@pytest.mark.parametrize("size", [1, 40])
def test_sent_is_stored_plus_duplicates_plus_dead(database: Database, experiment: Experiment, size: int) -> None:
    bodies = [document(experiment, n % 30, **({"failed": "no"} if n % 7 == 0 else {})) for n in range(120)]
    stored_count = duplicates = dead = 0
    for start in range(0, len(bodies), size):
        part = [incoming(f"{start + i}-0", body) for i, body in enumerate(bodies[start : start + size])]
        done = ingest(database, part, source="stream")
        stored_count, duplicates, dead = (
            stored_count + done.stored,
            duplicates + done.duplicates,
            dead + len(done.dead),
        )
    assert stored_count + duplicates + dead == len(bodies)
    assert stored_count == stored(database) == 30
    assert dead == len(reasons(database)) == 18


def test_a_celery_message_is_read_as_strictly_as_any_other(database: Database, experiment: Experiment) -> None:
    good = of_task("t1", document(experiment, 1))
    nan = of_task("t2", {"experiment": experiment.id, "values": {"accuracy": float("nan")}})
    done = ingest(database, [good, nan], source="celery")
    assert (done.stored, [letter.message_id for letter in done.dead]) == (1, ["celery:t2"])
    assert reasons(database) == ["NaN is not JSON: expected a finite number"]
