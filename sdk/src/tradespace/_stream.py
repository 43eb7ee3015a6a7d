"""Publish results to the Redis stream: the first stop of a trial result's journey (docs/contracts/README.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from tradespace._budget import Budget, checked_timeout
from tradespace._ids import new_result_id
from tradespace.errors import ConnectionFailed, InvalidInputError, RefusedError
from tradespace.result import Assignments, Identified, Metadata, Result, Values

__all__ = ["STREAM", "Producer"]

#: The stream that the service reads.
STREAM: Final = "tradespace:results"
#: Results in one round trip.
BATCH: Final = 500
#: The longest wait for one answer of Redis, in seconds.
ATTEMPT_S: Final = 5.0
#: Errors after which the same command may go through later: Redis is away, full, starting or failing over.
PASSING: Final = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
)
#: The same, where redis-py has no class for it: the disk of the append-only file is full, replicas are missing.
PASSING_CODES: Final = ("MISCONF", "NOREPLICAS")

_Encoded = tuple[str, bytes]


class Producer:
    """Publishes results, each exactly once in effect: a result keeps its id however often it has to be sent.

    When `publish` returns, Redis has the result; docs/contracts/README.md says what that means for each fsync policy.
    When Redis is away, full or starting, it is tried again with growing pauses; after `timeout` seconds no new attempt
    begins (the last one may take 5 seconds more) and `ConnectionFailed` is raised. One producer may serve several
    threads; a process makes its own.
    """

    def __init__(self, redis_url: str, *, stream: str = STREAM, timeout: float = 30.0) -> None:
        self._timeout = checked_timeout(timeout)
        self._stream = stream
        self._redis = _connection(redis_url, min(ATTEMPT_S, timeout))

    def publish(
        self,
        experiment: Identified,
        values: Values | None = None,
        *,
        suggestion: Identified | None = None,
        assignments: Assignments | None = None,
        failed: bool = False,
        metadata: Metadata | None = None,
        result_id: str | None = None,
    ) -> str:
        """Publish one result and return its id. `values` maps a metric to its value or to `(value, stddev)`."""
        result = Result(
            experiment,
            values,
            suggestion=suggestion,
            assignments=assignments,
            failed=failed,
            metadata=metadata,
            result_id=new_result_id() if result_id is None else result_id,
        )
        return self.publish_many([result])[0]

    def publish_many(self, results: Iterable[Result]) -> list[str]:
        """Publish `results`, 500 a round trip, and return their ids. Nothing is sent if one of them is not valid."""
        waiting = [(result.result_id, result.data) for result in results]
        budget = Budget(self._timeout)
        for start in range(0, len(waiting), BATCH):
            missing, error = self._deliver(waiting[start : start + BATCH], budget)
            if error is not None:
                unconfirmed = tuple(result_id for result_id, _ in (*missing, *waiting[start + BATCH :]))
                raise _failure(error, unconfirmed, budget) from error
        return [result_id for result_id, _ in waiting]

    def _deliver(self, batch: Sequence[_Encoded], budget: Budget) -> tuple[Sequence[_Encoded], Exception | None]:
        """Send `batch` until all of it is confirmed; return what is not, and the error that ended the attempts."""
        while True:
            replies = self._send(batch)
            batch = [one for one, reply in zip(batch, replies, strict=True) if isinstance(reply, Exception)]
            errors = [reply for reply in replies if isinstance(reply, Exception)]
            final = next((error for error in errors if not _passing(error)), None)
            if final is not None or not errors:
                return batch, final
            if not budget.pause():
                return batch, errors[-1]

    def _send(self, batch: Sequence[_Encoded]) -> list[Any]:
        """Return, for each result, its message id or the error that came instead."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for _, data in batch:
                    pipe.xadd(self._stream, {"data": data})
                return list(pipe.execute(raise_on_error=False))
        except redis.RedisError as error:
            return [error] * len(batch)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Producer(stream={self._stream!r})"  # no address: it may hold a password


def _connection(redis_url: str, attempt_s: float) -> redis.Redis:
    """Return a client that never retries by itself: `Producer` does, with a bound and an id that stays the same."""
    try:
        return redis.Redis.from_url(
            redis_url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=attempt_s,
            socket_connect_timeout=attempt_s,
            health_check_interval=0,
            decode_responses=False,
        )
    except (ValueError, TypeError, AttributeError):
        # Without the cause: it may quote the part of the address in which the password stands.
        raise InvalidInputError("redis_url", "redis://HOST:PORT/DB, rediss://… or unix://…", "something else") from None


def _passing(error: Exception) -> bool:
    """Whether the same command may go through later."""
    if isinstance(error, (redis.AuthenticationError, exceptions.AuthorizationError)):
        return False
    return isinstance(error, PASSING) or str(error).startswith(PASSING_CODES)


def _failure(error: Exception, unconfirmed: tuple[str, ...], budget: Budget) -> ConnectionFailed | RefusedError:
    if not _passing(error):
        return RefusedError(f"Redis refused {len(unconfirmed)} result(s): {error}", unconfirmed)
    tried = f"after {budget.attempts} attempt(s) in {budget.elapsed_s:.1f} s"
    message = f"Redis has not confirmed {len(unconfirmed)} result(s) {tried}: {error}"
    return ConnectionFailed(message, budget.attempts, unconfirmed)
