"""The one place where `service` speaks to Celery: after a commit, a wake-up that may be lost.

The event rows are the truth. A nudge that does not arrive costs about a second, until the relay looks by itself;
so sending never waits long, never retries and never fails the request that it comes after.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

__all__ = ["BROKER_OPTIONS", "QUEUE", "Nudge"]

log = logging.getLogger(__name__)

QUEUE: Final = "tradespace"
#: With workers away wake-ups pile up, and one is as good as a thousand: beyond this none is added.
MOST_WAITING: Final = 200
#: Between two wake-ups of the relay by `relay_soon`: one takes all events that wait, so more would only cost.
_GAP_S: Final = 0.04
#: After a failure nothing is sent for this long: a broker that is away must not slow every request down.
_REST_S: Final = 2.0
#: kombu keeps its restore lock for 300 s by default, also after the server froze: measured, and cut to 15 s.
BROKER_OPTIONS: Final[dict[str, Any]] = {
    "visibility_timeout": 300,
    "unacked_mutex_expire": 15,
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "max_retries": 0,
}


class Nudge:
    """Sends wake-ups to the broker at `broker_url`."""

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery(broker=broker_url, set_as_current=False)
        self._celery.conf.update(
            task_serializer="json",
            task_ignore_result=True,
            task_default_queue=QUEUE,
            broker_transport_options=BROKER_OPTIONS,
            broker_pool_acquire_timeout=1,
        )
        self._resting_until = 0.0
        self._asked = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def relay(self) -> bool:
        """Say that event rows wait. Return whether it was sent."""
        return self._send("tradespace.relay", ())

    def relay_soon(self) -> None:
        """Say that event rows wait, from a thread of its own: at once, and for all that ask within the gap only once.

        What asks as its process ends is not said; the relay finds its rows by itself.
        """
        self._asked.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._relay_asked, name="nudge", daemon=True)
                    self._thread.start()

    def _relay_asked(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            self.relay()
            time.sleep(_GAP_S)

    def refresh(self, experiment_id: int) -> bool:
        """Say that an experiment's front and models are behind. Return whether it was sent."""
        return self._send("tradespace.refresh", (experiment_id,))

    def workers(self, *, wait_s: float = 1.5) -> list[str]:
        """Return the names of the workers that answer a call within `wait_s`; none if the broker is away."""
        try:
            return sorted(self._celery.control.inspect(timeout=wait_s).ping() or ())
        except (OperationalError, OSError, RedisError):
            return []

    def _send(self, name: str, arguments: tuple[int, ...]) -> bool:
        if time.monotonic() < self._resting_until:
            return False
        try:
            with self._celery.connection_or_acquire() as connection:
                if connection.default_channel.client.llen(QUEUE) < MOST_WAITING:
                    self._celery.send_task(name, arguments, retry=False, expires=60, connection=connection)
        except (OperationalError, OSError, RedisError) as error:
            self._resting_until = time.monotonic() + _REST_S
            log.warning("the broker does not answer (%s); the relay will find the rows by itself", type(error).__name__)
            return False
        return True
