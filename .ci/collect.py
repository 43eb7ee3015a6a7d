"""Runs a command and ends whatever it left behind: `python3 .ci/collect.py COMMAND…`. Its status is the command's.

On Linux an orphan goes to the nearest ancestor that asked for orphans, which is this process: what is still its child
when the command has ended was left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
#: A browser's helpers take a moment to notice that it is gone.
GRACE_S = 10.0


def _command(pid: str) -> str:
    return Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


def children() -> dict[int, str]:
    """Return the children of this process: id and command."""
    found = {}
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text(encoding="ascii").split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found[int(pid)] = _command(pid)
    return found


def collect() -> None:
    """Take in those that have ended, without waiting for others."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def end_what_is_left() -> None:
    """Return when this process has no child: those that do not end in time are ended, and named."""
    end = time.monotonic() + GRACE_S
    while left := children():
        if time.monotonic() > end:
            for pid, command in left.items():
                sys.stderr.write(f"CI: left behind, ended now: {command}({pid})\n")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        collect()


def main() -> int:
    """Run the command, then end what it left."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    process = subprocess.Popen(sys.argv[1:])
    # Ctrl-C reaches the command by itself; we stay until it is done.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    status = process.wait()
    end_what_is_left()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
