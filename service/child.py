"""Starts a command that ends when its parent does: `python -m service.child PARENT_PID COMMAND…`.

On Linux the kernel sends the signal. It is asked for here, between fork and exec, because code between the two in the
parent (`preexec_fn`) is unsafe while the parent has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

__all__ = ["main"]

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 the command of our own supervisor


if __name__ == "__main__":
    main()
