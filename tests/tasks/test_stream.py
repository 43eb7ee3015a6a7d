"""The stream hands every entry out until it is acknowledged, to whoever is there to read it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis as redis_client

from tasks.stream import DEAD, GROUP, STREAM, DeadLetter, ResultStream


@pytest.fixture
def stream(redis_url: str) -> Iterator[ResultStream]:
    opened = ResultStream(redis_url, "one", stale_ms=50)
    opened.create_group()
    yield opened
    opened.close()


def add(redis: redis_client.Redis, count: int) -> list[str]:
    return [redis.xadd(STREAM, {"experiment": "1", "n": str(n)}).decode() for n in range(count)]


def test_results_sent_before_anybody_read_are_read(redis: redis_client.Redis, redis_url: str) -> None:
    ids = add(redis, 3)
    stream = ResultStream(redis_url, "late")
    stream.create_group()
    stream.create_group()
    assert [entry.id for entry in stream.read(count=10, block_ms=10)] == ids
    stream.close()


def test_what_was_read_and_not_acknowledged_is_found_again_by_the_same_reader(
    redis: redis_client.Redis, stream: ResultStream, redis_url: str
) -> None:
    ids = add(redis, 3)
    stream.read(count=10, block_ms=10)
    stream.finish(ids[:1], [])
    restarted = ResultStream(redis_url, "one")
    assert restarted.worst_delivery(count=10) == 1
    again = restarted.own_pending(count=10)
    assert [entry.id for entry in again] == ids[1:]
    assert {entry.deliveries for entry in again} == {2}
    restarted.close()


def test_entries_of_a_reader_that_is_gone_are_taken_over_after_a_while(
    redis: redis_client.Redis, stream: ResultStream, redis_url: str
) -> None:
    ids = add(redis, 2)
    gone = ResultStream(redis_url, "gone")
    gone.read(count=10, block_ms=10)
    gone.close()
    deadline = time.monotonic() + 5
    while not stream.claim_stale(count=10):
        assert time.monotonic() < deadline
    assert [entry.id for entry in stream.own_pending(count=10)] == ids


def test_only_as_many_as_asked_for_count_as_read_again(redis: redis_client.Redis, stream: ResultStream) -> None:
    add(redis, 3)
    stream.read(count=10, block_ms=10)
    (first,) = stream.own_pending(count=1)
    assert first.deliveries == 2
    rows = redis.xpending_range(STREAM, GROUP, min="-", max="+", count=10)
    assert [row["times_delivered"] for row in rows] == [2, 1, 1]


def test_a_group_that_vanished_is_made_anew_and_misses_nothing(redis: redis_client.Redis, stream: ResultStream) -> None:
    redis.xgroup_destroy(STREAM, GROUP)
    ids = add(redis, 2)
    assert stream.read(count=10, block_ms=10) == []
    assert [entry.id for entry in stream.read(count=10, block_ms=10)] == ids


def test_refused_messages_are_copied_when_they_are_acknowledged(
    redis: redis_client.Redis, stream: ResultStream
) -> None:
    (key,) = add(redis, 1)
    stream.read(count=10, block_ms=10)
    stream.finish([key], [DeadLetter(key, "invalid_input", "unknown metric 'n'", {"n": "0"})])
    ((_, fields),) = redis.xrange(DEAD)
    assert fields == {
        b"message_id": key.encode(),
        b"code": b"invalid_input",
        b"reason": b"unknown metric 'n'",
        b"raw": b'{"n": "0"}',
    }
    assert redis.xpending(STREAM, GROUP)["pending"] == 0


def test_trimming_leaves_what_somebody_still_needs(redis: redis_client.Redis, stream: ResultStream) -> None:
    ids = add(redis, 6)
    stream.read(count=4, block_ms=10)
    stream.finish([ids[0], ids[1], ids[3]], [])
    stream.trim()
    assert [key.decode() for key, _ in redis.xrange(STREAM)] == ids[2:]
    stream.finish([ids[2]], [])
    stream.trim()
    assert [key.decode() for key, _ in redis.xrange(STREAM)] == ids[4:]
    redis.xgroup_create(STREAM, "other", id="0")
    stream.finish([entry.id for entry in stream.read(count=10, block_ms=10)], [])
    stream.trim()
    assert [key.decode() for key, _ in redis.xrange(STREAM)] == ids[4:]


def test_an_entry_that_was_deleted_meanwhile_comes_without_fields(
    redis: redis_client.Redis, stream: ResultStream
) -> None:
    ids = add(redis, 2)
    stream.read(count=10, block_ms=10)
    redis.xdel(STREAM, ids[0])
    assert next(dict(entry.fields) for entry in stream.own_pending(count=10)) == {}
