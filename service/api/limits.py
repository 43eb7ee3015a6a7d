"""Rate limits: fixed windows, counted in Redis for all processes together, and in memory while Redis is away.

    tradespace:limit:<what>:<whose>:<number of the window>     how many there were; ends with its window

A limit protects the service from a loop that has lost its way; it is no accounting. So whatever goes wrong with it, the
request goes through: an error here would be worse than what it guards against.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import redis
from flask import Flask, Response, current_app, g, request
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.errors import TooManyRequestsError
from service.settings import Settings
from service.tokens import Caller

__all__ = ["Limits", "Window", "count_login", "count_request", "register"]

log = logging.getLogger(__name__)

_EXTENSION: Final = "tradespace-limits"
_KEY: Final = "tradespace:limit"
#: No request waits longer than this for its count; then memory counts for a while, without asking Redis.
_TIMEOUT_S: Final = 0.05
_AWAY_S: Final = 5.0
#: Beyond so many keys, those of windows gone by are thrown away.
_MOST_KEYS: Final = 10_000
_READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True)
class Window:
    """At most `limit` requests in `length_s` seconds; 0 is no limit."""

    name: str
    limit: int
    length_s: int


@dataclass(frozen=True)
class Standing:
    """Where a caller stands in a window."""

    window: Window
    count: int
    ends_in_s: int

    @property
    def is_over(self) -> bool:
        """Whether this request is one too many."""
        return self.count > self.window.limit


class _Memory:
    """Counts of this process alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}

    def count(self, key: str, by: int, *, ends_at: float, now: float) -> int:
        with self._lock:
            if len(self._counts) > _MOST_KEYS:
                self._counts = {name: kept for name, kept in self._counts.items() if kept[0] > now}
            number = max(0, self._counts.get(key, (ends_at, 0))[1] + by)
            self._counts[key] = (ends_at, number)
            return number


class Limits:
    """Counts requests; one for the life of the process."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self.reads = Window("reads", settings.limit_reads_per_s, 1)
        self.writes = Window("writes", settings.limit_writes_per_s, 1)
        self.logins = Window("logins", settings.limit_logins, 600)
        self._clock = clock
        self._memory = _Memory()
        self._away_until = 0.0
        self._redis = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )

    def count(self, window: Window, whose: str, by: int = 1) -> Standing | None:
        """Count one request and return where its sender stands; None where there is no limit. -1 takes it back."""
        if window.limit == 0:
            return None
        now = self._clock()
        number = int(now // window.length_s)
        ends_at = (number + 1) * window.length_s
        key = f"{_KEY}:{window.name}:{whose}:{number}"
        counted = self._count(key, by, ends_at=ends_at, length_s=window.length_s, now=now)
        return Standing(window, counted, max(1, round(ends_at - now + 0.5)))

    def _count(self, key: str, by: int, *, ends_at: float, length_s: int, now: float) -> int:
        if now >= self._away_until:
            try:
                with self._redis.pipeline(transaction=False) as pipe:
                    pipe.incrby(key, by)
                    pipe.expire(key, length_s + 1)
                    return int(pipe.execute()[0])
            except redis.RedisError as error:
                self._away_until = now + _AWAY_S
                log.warning("Redis does not count requests (%s): memory does, for %g s", type(error).__name__, _AWAY_S)
        return self._memory.count(key, by, ends_at=ends_at, now=now)

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()


def register(app: Flask, settings: Settings) -> Limits:
    """Have the app count requests, and say in its replies where the caller stands."""
    held = Limits(settings)
    app.extensions[_EXTENSION] = held
    app.after_request(_say)
    return held


def _say(response: Response) -> Response:
    standing: Standing | None = g.get("standing")
    if standing is not None:
        response.headers["RateLimit-Limit"] = str(standing.window.limit)
        response.headers["RateLimit-Remaining"] = str(max(0, standing.window.limit - standing.count))
        response.headers["RateLimit-Reset"] = str(standing.ends_in_s)
    return response


def count_request(who: Caller) -> None:
    """Count a request of a token, and refuse it if it is one too many."""
    held: Limits = current_app.extensions[_EXTENSION]
    window = held.reads if request.method in _READS else held.writes
    _refuse_over(held.count(window, str(who.token_id)))


@contextmanager
def count_login() -> Iterator[None]:
    """Count the sign-ins from an address that fail in this block, and refuse one too many.

    Those that succeed are taken back: a team behind one address is no attack.
    """
    held: Limits = current_app.extensions[_EXTENSION]
    address = request.remote_addr or "unknown"
    _refuse_over(held.count(held.logins, address))
    yield
    held.count(held.logins, address, by=-1)


def _refuse_over(standing: Standing | None) -> None:
    g.standing = standing
    if standing is not None and standing.is_over:
        message = (
            "Your account has been temporarily disabled because of too many requests. "
            f"At most {standing.window.limit} {standing.window.name} are taken in {standing.window.length_s} s: "
            f"try again in {standing.ends_in_s} s."
        )
        raise TooManyRequestsError(message, retry_after_s=standing.ends_in_s)
