"""Events become follow-ups (fourth and sixth stop of a result's journey): one table says what follows from what.

Runs in two ways that may meet: as a Celery task after each commit, for speed; and as a process that looks by itself
every moment, for certainty. Whoever takes an event's row has it.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from service import logs, refreshes
from service.db import Database
from service.events import PUBLIC, EventType, are_waiting, claim_waiting
from service.nudge import Nudge
from service.settings import Settings
from service.webhooks import fan_out
from tasks import housekeeping
from tasks.celery import app, context
from tasks.deliver import deliver_due

__all__ = ["FOLLOW_UPS", "drain", "main", "relay"]

log = logging.getLogger(__name__)

#: How often the process looks for events by itself, and for work that nobody does.
LOOK_EVERY_S: Final = 0.25
SWEEP_EVERY_S: Final = 1.0
CLEAR_EVERY_S: Final = 600.0
LONGEST_PAUSE_S: Final = 5.0

#: event -> does an experiment have to be refreshed?
FOLLOW_UPS: Final[Mapping[str, str]] = {
    EventType.EXPERIMENT_CREATED: "refresh",
    EventType.EXPERIMENT_CHANGED: "refresh",
    EventType.OBSERVATION_RECORDED: "refresh",
    EventType.OBSERVATION_CORRECTED: "refresh",
    EventType.POOL_LOW: "refresh",
    **dict.fromkeys(PUBLIC, "deliver"),
}


def drain(database: Database, nudge: Nudge) -> int:
    """Take all waiting events, write the deliveries they call for, send the wake-ups. Return how many there were."""
    total = 0
    while _are_waiting(database):
        # What is lost here is done again: the events are then as untaken as before.
        with database.write(durable=False) as session:
            now = database.now(session)
            events = claim_waiting(session, now=now)
            if not events:  # another relay is taking those that wait
                return total
            for event in events:
                if FOLLOW_UPS.get(event.type) == "deliver":
                    fan_out(session, event, now=now)
            wanted = {event.experiment_id for event in events if FOLLOW_UPS.get(event.type) == "refresh"}
            due = refreshes.due_among(session, {key for key in wanted if key is not None}, now=now)
        # After the commit: a wake-up that is lost here is sent again by the sweeper, since the row is due.
        for experiment_id in sorted(due):
            nudge.refresh(experiment_id)
        total += len(events)
    return total


def _are_waiting(database: Database) -> bool:
    """Whether there are events to take: a look, so that many wake-ups for the same events lock nothing."""
    with database.look() as session:
        return are_waiting(session)


@app.task(name="tradespace.relay")
def relay() -> None:
    """Drain the events now: somebody committed some."""
    held = context()
    drain(held.database, held.nudge)


# -- the process -----------------------------------------------------------------------------------------------------


def main() -> None:
    """Run the relay until SIGTERM or SIGINT: drain events, sweep up what nobody does, deliver webhooks."""
    settings = Settings.from_env(os.environ)
    logs.set_up(settings)
    database = Database(settings.database_url)
    nudge = Nudge(settings.celery_broker_url)
    sweeper = housekeeping.Sweeper(database, nudge)
    rng = random.SystemRandom()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    deliver = partial(deliver_due, database, settings, rng=rng, stopping=stopping)
    activities = (
        _Activity("drain", lambda: drain(database, nudge), LOOK_EVERY_S, stopping),
        _Activity("sweep", sweeper.sweep, SWEEP_EVERY_S, stopping),
        _Activity("expire", lambda: housekeeping.expire_leases(database, nudge), SWEEP_EVERY_S, stopping),
        _Activity(
            "clear", lambda: housekeeping.clear_old(database, days=settings.history_days), CLEAR_EVERY_S, stopping
        ),
        _Activity("deliver", deliver, LOOK_EVERY_S, stopping),
    )
    log.info("relaying events, sweeping, delivering webhooks")
    for activity in activities:
        activity.start()
    for activity in activities:
        activity.join()
    database.close()


class _Activity(threading.Thread):
    """Does one thing again and again, at once while there is more of it; a database that is away is waited for."""

    def __init__(self, name: str, step: Callable[[], int], every_s: float, stopping: threading.Event) -> None:
        super().__init__(name=name)
        self._step = step
        self._every_s = every_s
        self._stopping = stopping

    def run(self) -> None:
        pause = self._every_s
        while not self._stopping.is_set():
            try:
                pause = 0.0 if self._step() else self._every_s
            except SQLAlchemyError as error:
                pause = min(max(pause, 0.1) * 2, LONGEST_PAUSE_S)
                log.warning("%s: %s: %s; again in %.1f s", self.name, type(error).__name__, str(error)[:200], pause)
            except Exception:  # an error of ours must end the process, so that it is seen and started anew
                log.exception("%s ended", self.name)
                self._stopping.set()
                raise
            self._stopping.wait(pause)


if __name__ == "__main__":
    main()
