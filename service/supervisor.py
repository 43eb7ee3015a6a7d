"""One machine, one command: starts Valkey and our own processes, keeps them running, and takes them all down again.

Every child is a process group of its own whose output comes through a pipe, one prefix a child. A child that dies is
started again after a pause that doubles while it keeps dying. Each child is started through `service.child`, which asks
the kernel to end it if this process dies, so that nothing is left behind whatever happens.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from service.courtesy import Courtesy

__all__ = ["Command", "Supervisor"]

#: Between SIGTERM and SIGKILL; all children stop at once, so this bounds the whole end (the promise is 10 s).
GRACE_S: Final = 7.0
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 15.0
#: A child that lived this long starts again without delay.
HEALTHY_S: Final = 10.0


@dataclass(frozen=True)
class Command:
    """A process to keep running. One that `stops_last` is told to end when the others are gone.

    One that `stands_back_for` another gets what that one leaves of the processor while it is busy (service.courtesy).
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    stops_last: bool = False
    stands_back_for: str | None = None


@dataclass
class _Child:
    command: Command
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    start_at: float = 0.0
    courtesy: Courtesy = field(default_factory=Courtesy)


class Supervisor:
    """Keeps `commands` running until `stop` is called or SIGTERM or SIGINT comes.

    `state_file` always holds the children's process ids as JSON, for people and tests.
    """

    def __init__(self, commands: Sequence[Command], *, say: Callable[[str, str], None], state_file: Path) -> None:
        self._children = [_Child(command) for command in commands]
        self._say = say
        self._state_file = state_file
        self._stopping = threading.Event()

    def stop(self, *_: object) -> None:
        """Ask for the end; `run` returns once every child is gone."""
        self._stopping.set()

    def start(self, name: str) -> None:
        """Start the child `name` now."""
        self._start(next(child for child in self._children if child.command.name == name))

    def run(self) -> None:
        """Start what is not running yet and keep all of it running."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        try:
            while not self._stopping.is_set():
                for child in self._children:
                    self._look_after(child)
                self._share()
                self._stopping.wait(0.1)
        finally:
            self._end()

    def _look_after(self, child: _Child) -> None:
        process = child.process
        if process is not None and process.poll() is not None:
            self._bury(child, process)
        if child.process is None and time.monotonic() >= child.start_at:
            self._start(child)

    def _share(self) -> None:
        """Have those stand back that do so for others."""
        running = {child.command.name: child.process.pid for child in self._children if child.process is not None}
        for child in self._children:
            other = child.command.stands_back_for
            if other in running and child.command.name in running:
                child.courtesy.look(ours=running[other], theirs=running[child.command.name])

    def _bury(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        """Note the end of a child, end what it left of its group, and say when it starts again."""
        _signal_group(process, signal.SIGKILL)
        lived = time.monotonic() - child.started
        child.pause_s = FIRST_PAUSE_S if lived > HEALTHY_S else min(child.pause_s * 2, LONGEST_PAUSE_S)
        child.start_at = time.monotonic() + (0.0 if lived > HEALTHY_S else child.pause_s)
        child.process = None
        self._say(child.command.name, f"ended ({_ending(process.returncode)}); starts again")
        self._write_state()

    def _start(self, child: _Child) -> None:
        command = child.command
        child.process = subprocess.Popen(
            [sys.executable, "-m", "service.child", str(os.getpid()), *command.argv],
            env={**os.environ, **command.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        child.started = time.monotonic()
        threading.Thread(target=self._pump, args=(command.name, child.process.stdout), daemon=True).start()
        self._write_state()

    def _pump(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                if line.strip():
                    self._say(name, line.decode("utf-8", "replace").rstrip())

    def _write_state(self) -> None:
        pids = {child.command.name: child.process.pid for child in self._children if child.process is not None}
        new = self._state_file.with_suffix(".new")
        new.write_text(json.dumps({"supervisor": os.getpid(), "children": pids}), encoding="utf-8")
        new.replace(self._state_file)

    def _end(self) -> None:
        """Take everything down: first those that write, then those that are written to."""
        end = time.monotonic() + GRACE_S
        for last in (False, True):
            batch = [child.process for child in self._children if child.process and child.command.stops_last is last]
            for process in batch:
                _signal(process, signal.SIGTERM)
            for process in batch:
                _wait(process, until=end if last else end - 1.5)
                _signal_group(process, signal.SIGKILL)
                process.wait()
        self._state_file.unlink(missing_ok=True)


def _wait(process: subprocess.Popen[bytes], *, until: float) -> None:
    try:
        process.wait(max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return  # it had its time; the caller ends it


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # the whole group is gone


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
