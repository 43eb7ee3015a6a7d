"""What happens by the clock: lost wake-ups are sent again, leases of suggestions end, what is old is cleared."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from service import history, suggestions
from service.db import Database
from service.nudge import Nudge
from service.refreshes import due_experiments

__all__ = ["Sweeper", "clear_old", "expire_leases"]

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
#: How long an announced file is waited for; its address takes it for an hour.
ANNOUNCED_FOR: Final = timedelta(days=1)


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
        with self._database.look() as session:
            due = due_experiments(session, now=self._database.now(session))
        now = self._clock()
        self._pauses = {key: pause for key, pause in self._pauses.items() if key in due}
        for experiment_id in due:
            send_at, pause = self._pauses.get(experiment_id, (0.0, FIRST_PAUSE_S))
            if now >= send_at:
                self._nudge.refresh(experiment_id)
                self._pauses[experiment_id] = (now + pause, min(pause * 2, LONGEST_PAUSE_S))
        return 0


def expire_leases(database: Database, nudge: Nudge) -> int:
    """Let suggestions expire whose holders have not renewed them. Return in how many experiments there were any."""
    with database.look() as session:
        due = suggestions.expiring(session, now=database.now(session))
    for experiment_id in due:
        with database.write() as session:
            suggestions.expire(session, experiment_id, now=database.now(session))
    if due:
        nudge.relay()
    return len(due)


def clear_old(database: Database, *, days: int) -> int:
    """Clear a part of what is older than `days`; 0 keeps all. Return how much, so that there may be more of it.

    Files that were announced and never came go after a day in any case: they are no history.
    """
    with database.write() as session:
        now = database.now(session)
        cleared = history.clear_announced(session, before=now - ANNOUNCED_FOR)
        return cleared + (history.clear(session, before=now - timedelta(days=days)) if days else 0)
