"""How far those who compute stand back for those who answer: a little as a rule, all the way while requests come.

Where requests and models want more than the machine has, a model may take longer, and a caller must not. But at the
lowest priority for good, workers would get nothing beside trials that fill the machine. So whoever looks after both
(service.supervisor) looks once a second how much of a processor the web server takes, and moves the workers' session.
The kernel shares the processor between sessions first (autogroup); where it does not, `service.background` alone holds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from service.background import NICENESS

__all__ = ["FAR", "Courtesy", "seconds_of_session"]

#: The lowest priority: what is left over.
FAR: Final = 19
#: The part of one processor from which on a session counts as busy: some fifty requests a second.
BUSY: Final = 0.25
#: Seconds for which it counts as busy afterwards.
PATIENCE_S: Final = 3.0
#: Seconds that a session may take to start: that is work, too, but nobody's request.
STARTS_S: Final = 10.0
_LOOK_EVERY_S: Final = 1.0
_TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PROCESSES: Final = Path("/proc")


class Courtesy:
    """Has the session `theirs` stand back for the session `ours`: call `look` now and then."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[int], float] | None = None,
        move: Callable[[int, int], None] | None = None,
        starts_s: float = STARTS_S,
    ) -> None:
        self._clock = clock
        self._used = used or seconds_of_session
        self._move = move or _move
        self._starts_s = starts_s
        self._ours: int | None = None
        self._started = self._looked = 0.0
        self._spent = 0.0
        self._busy_until = 0.0
        self._moved: tuple[int, int] | None = None

    def look(self, *, ours: int, theirs: int) -> None:
        """Look how busy the session `ours` is, and move `theirs` if that calls for it. Cheap if it was just done."""
        now = self._clock()
        if ours != self._ours:
            self._ours, self._started, self._looked, self._spent = ours, now, now, self._used(ours)
        elif now - self._looked >= _LOOK_EVERY_S:
            self._measure(ours, now)
        wanted = theirs, FAR if now < self._busy_until else NICENESS
        if wanted != self._moved:
            self._move(*wanted)
            self._moved = wanted

    def _measure(self, ours: int, now: float) -> None:
        used = self._used(ours)
        if used - self._spent > BUSY * (now - self._looked) and now - self._started > self._starts_s:
            self._busy_until = now + PATIENCE_S
        self._looked, self._spent = now, used


def seconds_of_session(session: int) -> float:
    """Return the processor seconds that the living processes of a session have used; 0 where nobody counts them."""
    total = 0
    for folder in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # it has ended since
            fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()  # a name may be any bytes
            if int(fields[3]) == session:
                total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _move(session: int, niceness: int) -> None:
    with suppress(OSError):  # it has ended, or this kernel does not share by sessions
        (_PROCESSES / str(session) / "autogroup").write_text(f"{niceness}\n", encoding="ascii")
