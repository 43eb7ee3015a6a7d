"""The time one call may take, and the pauses between its attempts."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import Any, Final

from tradespace.errors import InvalidInputError

__all__ = ["Budget", "checked_timeout"]

#: The first pause is at most this long, in seconds; each further one at most twice the one before.
FIRST_PAUSE_S: Final = 0.1
#: No pause of our own choice is longer than this, in seconds.
LONGEST_PAUSE_S: Final = 5.0


class Budget:
    """What is left of `total_s` seconds.

    Pauses grow exponentially with full jitter, so that many producers do not come back at the same moment.

    >>> waits: list[float] = []
    >>> budget = Budget(10, clock=lambda: 0.0, sleep=waits.append, dice=lambda: 1.0)
    >>> [budget.pause() for _ in range(3)], budget.pause(at_least_s=7), waits
    ([True, True, True], True, [0.1, 0.2, 0.4, 7])
    """

    def __init__(
        self,
        total_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._sleep, self._dice = clock, sleep, dice
        self._total_s = total_s
        self._started = clock()
        self.attempts = 1

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first attempt."""
        return self._clock() - self._started

    @property
    def remaining_s(self) -> float:
        """Seconds that are left; never less than none."""
        return max(0.0, self._total_s - self.elapsed_s)

    def pause(self, *, at_least_s: float = 0.0) -> bool:
        """Wait before another attempt; return False, at once, if there is no time left for one."""
        wait = self.next_pause(at_least_s=at_least_s)
        if wait is None:
            return False
        self._sleep(wait)
        return True

    def next_pause(self, *, at_least_s: float = 0.0) -> float | None:
        """Count another attempt and return how long to wait before it; None if there is no time left for one."""
        ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self.attempts - 1, 30))
        wait = max(at_least_s, self._dice() * ceiling)
        if wait >= self.remaining_s:
            return None
        self.attempts += 1
        return wait


def checked_timeout(timeout: Any) -> float:
    """Return `timeout` in seconds if it is a time that can pass.

    >>> checked_timeout(0)
    Traceback (most recent call last):
    tradespace.errors.InvalidInputError: timeout: expected a positive number of seconds, got 0
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
        raise InvalidInputError("timeout", "a positive number of seconds", repr(timeout))
    return float(timeout)
