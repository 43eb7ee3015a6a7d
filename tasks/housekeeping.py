"""The sweeper: sends again what was lost on the way, so that a refresh that is due is done while one worker lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from service.db import Database
from service.nudge import Nudge
from service.refreshes import due_experiments

__all__ = ["Sweeper"]

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0


class Sweeper:
    """Finds refreshes that are due and that nobody is doing, and sends their wake-up again.

    With every worker away nothing comes of it, so each experiment's next wake-up waits twice as long, up to half a
    minute: the broker must not fill up.
    """

    def __init__(self, database: Database, nudge: Nudge, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._nudge = nudge
        self._clock = clock
        self._pauses: dict[int, tuple[float, float]] = {}

    def sweep(self) -> int:
        """Look once. Always returns 0: what is due is looked at again after a pause, never at once."""
        with self._database.read() as session:
            due = due_experiments(session, now=self._database.now(session))
        now = self._clock()
        self._pauses = {key: pause for key, pause in self._pauses.items() if key in due}
        for experiment_id in due:
            send_at, pause = self._pauses.get(experiment_id, (0.0, FIRST_PAUSE_S))
            if now >= send_at:
                self._nudge.refresh(experiment_id)
                self._pauses[experiment_id] = (now + pause, min(pause * 2, LONGEST_PAUSE_S))
        return 0
