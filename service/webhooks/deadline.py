"""One deadline for all of a call: name look-up excepted, no receiver holds a thread longer than this.

Stop "deliver" of the webhook journey. The timeouts of `requests` are per read: a receiver that sends a byte a second
never meets one, and it may drip its TLS handshake, its headers or its body. So the connection itself is shut when the
time is up. It is reached through a duplicate of its descriptor, since TLS takes the original away.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

__all__ = ["Deadline"]


class Deadline:
    """A number of seconds that starts when the block is entered; measured on the monotonic clock.

    Connections given to `watch` are shut when it passes: whoever reads from one reads an end of file.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._cut = False

    def __enter__(self) -> Self:
        self._end = time.monotonic() + self.seconds
        self._timer = threading.Timer(self.seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for duplicate in self._watched:
                duplicate.close()
            self._watched.clear()

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return self._cut or time.monotonic() >= self._end

    def remaining(self) -> float:
        """Return the seconds that are left; raise TimeoutError if none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time was up before the connection was made")
        return left

    def watch(self, connection: socket.socket) -> None:
        """Shut `connection` when the time is up; at once if it is already."""
        duplicate = connection.dup()
        with self._lock:
            self._watched.append(duplicate)
            if self._cut:
                _shut(duplicate)

    def _shut(self) -> None:
        with self._lock:
            self._cut = True
            for duplicate in self._watched:
                _shut(duplicate)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the receiver has hung up first: that is what was wanted
        connection.shutdown(socket.SHUT_RDWR)
