"""How many requests of one process are at work at a time; the others wait at the gate, where they cost nothing.

A process runs one thread at a time, and each statement hands it on. With sixteen at work every hand-over takes its toll
and under load that grows with the queue, until requests come faster than they are served: seconds, where three at a
time take milliseconds (docs/decisions/0014). A request is at work while it has the database; while it waits for a body,
a fresher pool or a slow reader it is not, so those can be many.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import g

__all__ = ["PLACES", "Gate"]

#: One computes, and while statements of others are under way there is something to compute.
PLACES: Final = 3


class Gate:
    """Lets `places` requests of this process be at work. For any number of threads."""

    def __init__(self, places: int = PLACES) -> None:
        self._places = threading.Semaphore(places)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be at work, once there is a place; for a request that is inside already there always is."""
        if g.get("is_inside", False):
            yield
            return
        with self._places:
            g.is_inside = True
            try:
                yield
            finally:
                g.is_inside = False
