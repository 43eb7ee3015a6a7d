"""Workers stand back all the way while requests come, and a little otherwise."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.background import NICENESS
from service.courtesy import BUSY, FAR, PATIENCE_S, STARTS_S, Courtesy, seconds_of_session

WEB, WORKER = 1, 2


class Machine:
    """A clock, what the web server has used by it, and where the workers were moved."""

    def __init__(self) -> None:
        self.at = 100.0
        self.used = 7.0
        self.moves: list[tuple[int, int]] = []
        self.courtesy = Courtesy(
            clock=lambda: self.at, used=lambda _: self.used, move=lambda *move: self.moves.append(move)
        )

    def goes_on(self, seconds: float, *, share: float, web: int = WEB, worker: int = WORKER) -> None:
        end = self.at + seconds
        while self.at < end:
            self.at += 0.5
            self.used += 0.5 * share
            self.courtesy.look(ours=web, theirs=worker)


def test_while_the_web_server_is_busy_workers_get_what_is_left() -> None:
    machine = Machine()
    machine.goes_on(STARTS_S + 1, share=BUSY / 2)
    machine.goes_on(10, share=2 * BUSY)
    machine.goes_on(PATIENCE_S + 2, share=BUSY / 2)
    assert machine.moves == [(WORKER, NICENESS), (WORKER, FAR), (WORKER, NICENESS)]


def test_a_short_rest_between_requests_moves_nobody() -> None:
    machine = Machine()
    machine.goes_on(STARTS_S + 5, share=1.0)
    machine.goes_on(PATIENCE_S - 1, share=0.0)
    machine.goes_on(5, share=1.0)
    assert machine.moves[-1] == (WORKER, FAR)
    assert len(machine.moves) == 2


def test_a_worker_that_was_started_again_is_moved_again() -> None:
    machine = Machine()
    machine.goes_on(STARTS_S + 5, share=1.0)
    machine.goes_on(2, share=1.0, worker=3)
    assert machine.moves[-1] == (3, FAR)


def test_what_a_new_web_server_used_to_start_is_no_load() -> None:
    machine = Machine()
    machine.goes_on(STARTS_S - 1, share=1.0)
    machine.used += 50
    machine.goes_on(STARTS_S - 1, share=1.0, web=4)
    assert machine.moves == [(WORKER, NICENESS)]


@contextmanager
def session(code: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def niceness(process: subprocess.Popen[bytes]) -> int:
    return int(Path(f"/proc/{process.pid}/autogroup").read_text().split()[-1])


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="a system without /proc")
def test_a_process_may_have_any_name() -> None:
    named = "import time; open('/proc/self/comm', 'wb').write(b'\\xff) (\\xfe'); print(flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", named], start_new_session=True, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        assert seconds_of_session(process.pid) >= 0
        assert seconds_of_session(os.getsid(0)) >= 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="a kernel that does not share by sessions")
def test_sessions_of_this_machine_are_measured_and_moved() -> None:
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    with session(busy) as web, session("import time; time.sleep(60)") as worker:
        courtesy = Courtesy(starts_s=0)
        end = time.monotonic() + 60
        while time.monotonic() < end and niceness(worker) != FAR:
            courtesy.look(ours=web.pid, theirs=worker.pid)
            time.sleep(0.2)
        assert niceness(worker) == FAR
        assert seconds_of_session(web.pid) > seconds_of_session(worker.pid)
