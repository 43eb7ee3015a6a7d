"""What is supervised runs, is started again when it dies, and is gone when the supervisor is, whatever ended it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system import eventually

#: A child that counts its lives in a file, starts a child of its own, and does not listen to SIGTERM if told so.
CHILD = textwrap.dedent(
    """
    import pathlib, signal, subprocess, sys, time
    folder, name, deaf = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "deaf"
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with (folder / name).open("a") as lives:
        lives.write("life\\n")
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / f"{name}.grandchild").write_text(str(grandchild.pid))
    print(f"hello from {name}", flush=True)
    time.sleep(600)
    """
)
PARENT = textwrap.dedent(
    """
    import pathlib, sys
    from service.supervisor import Command, Supervisor
    folder = pathlib.Path(sys.argv[1])
    def command(name, mood):
        return Command(name, [sys.executable, str(folder / "child.py"), str(folder), name, mood])
    commands = [command("one", "kind"), command("two", sys.argv[2])]
    def say(name, line):
        print(name, "|", line, flush=True)
    Supervisor(commands, say=say, state_file=folder / "state.json").run()
    """
)

Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "child.py").write_text(CHILD)
    started: list[subprocess.Popen[str]] = []

    def run(mood: str = "kind") -> subprocess.Popen[str]:
        out = (tmp_path / "log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(tmp_path), mood], stdout=out, stderr=subprocess.STDOUT, text=True
        )
        out.close()
        started.append(process)
        noted = [tmp_path / f"{name}.grandchild" for name in ("one", "two")]
        eventually(lambda: all(path.exists() and path.read_text() for path in noted), what="both children run")
        eventually(lambda: len(pids(tmp_path)) == 2, what="both are noted")  # a child may be faster than its parent
        return process

    yield run
    for process in started:
        process.terminate()
        process.wait(15)
    # Where a test killed it, the kernel has ended its children, but not theirs.
    for path in tmp_path.glob("*.grandchild"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(path.read_text()), signal.SIGKILL)


def pids(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "state.json").read_text())["children"]
    return found


def everybody(folder: Path) -> list[int]:
    grandchildren = [int(path.read_text()) for path in folder.glob("*.grandchild")]
    return [*pids(folder).values(), *grandchildren]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_lines_carry_the_name_of_their_process(start: Start, tmp_path: Path) -> None:
    start("kind")
    eventually(lambda: "two | hello from two" in (tmp_path / "log").read_text(), what="its line")
    assert "one | hello from one" in (tmp_path / "log").read_text()


def test_a_child_that_is_killed_lives_again_and_the_others_live_on(start: Start, tmp_path: Path) -> None:
    start("kind")
    before = pids(tmp_path)
    orphan = int((tmp_path / "one.grandchild").read_text())
    os.kill(before["one"], signal.SIGKILL)
    eventually(lambda: pids(tmp_path).get("one") not in (None, before["one"]), what="a new life")
    eventually(lambda: (tmp_path / "one").read_text().count("life") == 2, what="it runs")
    assert pids(tmp_path)["two"] == before["two"]
    eventually(lambda: not is_alive(orphan), what="what it left behind is ended")
    assert "one | ended (signal SIGKILL); starts again" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_are_gone_within_ten_seconds_of_a_signal(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    process = start("kind")
    all_of_them = everybody(tmp_path)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert [pid for pid in all_of_them if is_alive(pid)] == []
    assert not (tmp_path / "state.json").exists()


def test_one_that_does_not_listen_is_ended_all_the_same(start: Start, tmp_path: Path) -> None:
    process = start("deaf")
    all_of_them = everybody(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert [pid for pid in all_of_them if is_alive(pid)] == []


def test_children_end_with_a_supervisor_that_is_killed(start: Start, tmp_path: Path) -> None:
    process = start("kind")
    children = list(pids(tmp_path).values())
    process.kill()
    eventually(lambda: not any(is_alive(pid) for pid in children), what="the kernel ends the children")


def test_one_that_dies_at_once_is_started_at_growing_distances(tmp_path: Path) -> None:
    parent = textwrap.dedent(
        """
        import pathlib, sys, time
        from service.supervisor import Command, Supervisor
        folder = pathlib.Path(sys.argv[1])
        dying = Command("dying", [sys.executable, "-c", "raise SystemExit(3)"])
        def say(name, line):
            print(time.monotonic(), line, flush=True)
        Supervisor([dying], say=say, state_file=folder / "state.json").run()
        """
    )
    process = subprocess.Popen([sys.executable, "-c", parent, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    endings = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert all("ended (exit status 3); starts again" in line for line in endings)
    times = [float(line.split()[0]) for line in endings]
    assert times[2] - times[1] > 1.5  # two seconds' pause, less than the clock's grain
    assert time.monotonic() > times[2]
