"""Runs a command that stands back for others who want the processor: `python -m service.background COMMAND…`.

A low priority alone is not enough on most Linux desktops and servers: the kernel shares the processor between sessions
first (autogroup), and each child of the supervisor is a session of its own. So the session stands back, too.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["NICENESS", "main", "stand_back"]

#: How far: half a share of a full machine. With next to nothing (19) a demo whose trials filled both cores got three
#: computed suggestions of forty; with this it gets thirty-seven.
NICENESS: Final = 3
_AUTOGROUP: Final = Path("/proc/self/autogroup")


def stand_back() -> None:
    """Lower the priority of this process, and of its session where the kernel shares by sessions."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with suppress(OSError):  # a kernel without autogroups has no such file, and then nothing is missing
        if _AUTOGROUP.exists():
            _AUTOGROUP.write_text(f"{NICENESS}\n", encoding="ascii")


def main() -> None:
    """Become the command."""
    stand_back()
    command = sys.argv[1:]
    os.execvp(command[0], command)  # noqa: S606 the command of our own supervisor


if __name__ == "__main__":
    main()
