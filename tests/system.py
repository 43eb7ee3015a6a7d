"""The real whole system for tests: `tradespace up` as a person starts it, on free ports, its data in one folder."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import httpx
import pytest

__all__ = ["System", "eventually", "pytest_runtest_makereport", "unused_ports"]

T = TypeVar("T")

#: Imports, migrations and a server's start, on two busy cores.
READY_S: Final = 60.0
#: The promise is 10 s; the rest is for a busy machine to notice it.
STOP_S: Final = 12.0
#: Stands in the environment of everything that a system starts, so that what it leaves behind is found.
MARK: Final = "SYSTEM_UNDER_TEST"

_running: weakref.WeakSet[System] = weakref.WeakSet()


def eventually(check: Callable[[], T], *, what: str, within_s: float = 30.0) -> T:
    """Return the first true answer of `check`, or fail when there was none in time. Errors pass through."""
    end = time.monotonic() + within_s
    while not (answer := check()):
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {within_s:g} s; the last answer was {answer!r}")
        time.sleep(0.05)
    return answer


def unused_ports(count: int) -> list[int]:
    """Return TCP ports that nobody uses, below those that the kernel gives to clients: they stay free until used."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


class System:
    """`tradespace up` with its data in `data`. It can be stopped and started again: folder, ports and token stay.

    Start it in the main thread: the kernel ends it when the thread that started it is gone.
    """

    def __init__(self, data: Path, *, database_url: str | None = None, redis_url: str | None = None) -> None:
        self.data = data
        self.token: Final = f"test-{uuid.uuid4().hex}"
        self._mark = uuid.uuid4().hex
        self._port, self._redis_port = unused_ports(2)
        self.url: Final = f"http://127.0.0.1:{self._port}"
        self.redis_url: Final = redis_url or f"redis://127.0.0.1:{self._redis_port}/0"
        self.database_url: Final = database_url or f"sqlite:///{data.resolve()}/tradespace.db"
        given = {"TRADESPACE_DATABASE_URL": database_url, "TRADESPACE_REDIS_URL": redis_url}
        self._servers = {name: url for name, url in given.items() if url is not None}
        self._process: subprocess.Popen[bytes] | None = None
        self._log = data.with_name(f"{data.name}.log")
        #: Sends the token; for another one, or none, give `auth=`.
        self.http: Final = httpx.Client(base_url=self.url, auth=(self.token, ""), timeout=30)

    def start(self) -> Self:
        """Start it and return when it is ready."""
        self.data.mkdir(parents=True, exist_ok=True)
        tradespace = Path(sys.executable).with_name("tradespace")
        ports = ["--port", str(self._port), "--redis-port", str(self._redis_port)]
        command = [str(tradespace), "up", *ports, "--data", str(self.data)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                # It ends if we are killed: a test run leaves nothing behind.
                [sys.executable, "-m", "service.child", str(os.getpid()), *command],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _running.add(self)
        try:
            eventually(self._is_ready, what="the system is ready", within_s=READY_S)
        except BaseException:
            sys.stdout.write(self.log())
            self.kill()
            raise
        return self

    def _environment(self) -> Mapping[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("TRADESPACE_")}
        preset = {"TRADESPACE_ADMIN_TOKEN": self.token, "TRADESPACE_WEBHOOK_ALLOW_HOSTS": "127.0.0.1"}
        return {**own, **preset, **self._servers, MARK: self._mark}

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended with exit status {self._process.returncode}"
        try:
            answer = self.http.get("/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["status"] == "ok"

    def pids(self) -> dict[str, Any]:
        """Return {"supervisor": pid, "children": {name: pid}} as of now."""
        found: dict[str, Any] = json.loads((self.data / "processes.json").read_text(encoding="utf-8"))
        return found

    def log(self) -> str:
        """Return what all of its processes have printed."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def survivors(self) -> dict[int, str]:
        """Return the processes that belong to this system and live, by id."""
        return dict(self._processes())

    def _processes(self) -> Iterator[tuple[int, str]]:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self._owns(folder):
                    yield int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it ended while we looked, or is not ours

    def _owns(self, process: Path) -> bool:
        # Valkey writes its title over its environment, but it works in its folder.
        marks = (process / "environ").read_bytes().split(b"\0")
        return f"{MARK}={self._mark}".encode() in marks or (process / "cwd").readlink().is_relative_to(
            self.data.resolve()
        )

    def stop(self) -> None:
        """Ask it to end, and hold it to its word: exit status 0 in time, and nothing left behind."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._end(process)
            pytest.fail(f"the system still ran {STOP_S:g} s after SIGTERM\n{self.log()[-4000:]}")
        _running.discard(self)
        left = self.survivors()
        self._end(process)
        assert status == 0, f"the system ended with exit status {status}\n{self.log()[-4000:]}"
        assert not left, f"the system left processes behind: {left}"

    def kill(self) -> None:
        """End everything at once, as a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        # The supervisor first, or it would start again what we end.
        process.kill()
        process.wait()
        _running.discard(self)
        for pid in self.survivors():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # the kernel was faster
        eventually(lambda: not self.survivors(), what="every process is gone")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Show what running systems said when a test fails. tests/conftest.py takes this hook in."""
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        for system in _running:
            report.sections.append((f"system {system.url}", system.log()[-8000:]))  # type: ignore[attr-defined]
    return report
