"""What runs in the background stands back for what answers people."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.background import NICENESS

_SAYS = "import os, pathlib; print(os.nice(0)); print(pathlib.Path('/proc/self/autogroup').read_text())"


@pytest.mark.skipif(sys.platform != "linux", reason="sessions share the processor on Linux alone")
def test_a_command_and_its_session_stand_back() -> None:
    command = [sys.executable, "-m", "service.background", sys.executable, "-c", _SAYS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True)
    own, *session = done.stdout.split()
    assert int(own) >= NICENESS
    if Path("/proc/sys/kernel/sched_autogroup_enabled").exists():
        assert session[-1] == str(NICENESS)


def test_its_exit_status_is_that_of_the_command() -> None:
    command = [sys.executable, "-m", "service.background", sys.executable, "-c", "raise SystemExit(7)"]
    assert subprocess.run(command, check=False).returncode == 7
