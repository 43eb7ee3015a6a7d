"""The processes of the demo: the whole service, embedded, and the producers. None of them outlives this one."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

__all__ = ["ProgramError", "Service", "free_port", "held", "producer", "service", "tail", "told_token"]

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
#: How long the service may take to start and to end, in seconds; it promises to end within 10.
START_S: Final = 60.0
END_S: Final = 15.0


class ProgramError(Exception):
    """A process of the demo ended, or did not start. `log` is the file that says more, if one does."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True)
class Service:
    """The running service: where it is, and the token that lets us in."""

    url: str
    redis_url: str
    token: str
    log: Path
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise `ProgramError` if it has ended."""
        if self.process.poll() is not None:
            raise ProgramError(f"the service ended with exit status {self.process.returncode}", self.log)


@contextmanager
def held(data: Path) -> Iterator[int]:
    """Keep the folder to this demo: a second one would write over the log before its service is refused.

    Yields the file that is locked. The service inherits it, so the folder stays ours for as long as either lives.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"another demo runs (or is just ending) in {data}: end it, or choose another folder with --data"
            raise ProgramError(message) from error
        yield lock.fileno()


def free_port(wanted: int) -> int:
    """Return this port of loopback if it is free, or else one that is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port(0)
        return int(probe.getsockname()[1])


def told_token(path: Path) -> str:
    """Return the demo's admin token: the same at every start, so that it can be used from other shells, too."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(f"demo_{secrets.token_urlsafe(24)}\n", encoding="ascii")
    return path.read_text(encoding="ascii").strip()


@contextmanager
def service(data: Path, port: int, redis_port: int, *, lock: int) -> Iterator[Service]:
    """Run `tradespace up` while the block runs; its output goes to a file."""
    log, token = data / "tradespace.log", told_token(data / "token")
    command = [str(Path(sys.executable).with_name("tradespace")), "up", "--port", str(port)]
    env = {"TRADESPACE_ADMIN_TOKEN": token, "TRADESPACE_WEBHOOK_ALLOW_HOSTS": "127.0.0.1"}
    process = _start([*command, "--redis-port", str(redis_port), "--data", str(data)], env, log, inherits=(lock,))
    try:
        started = Service(f"http://127.0.0.1:{port}", f"redis://127.0.0.1:{redis_port}/0", token, log, process)
        _wait_until_ready(started)
        yield started
    finally:
        _end(process)


@contextmanager
def producer(found: Service, experiment: str, trials: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one producer while the block runs; what it says goes to `log`."""
    env = {"TRADESPACE_URL": found.url, "TRADESPACE_TOKEN": found.token, "TRADESPACE_REDIS_URL": found.redis_url}
    process = _start([sys.executable, str(HERE / "producer.py"), experiment, "--trials", str(trials)], env, log)
    try:
        yield process
    finally:
        _end(process)


def _start(
    command: Sequence[str], env: Mapping[str, str], log: Path, *, inherits: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a command that ends when this process does, whatever happens to it (service/child.py).

    Settings of a service of one's own are not passed on: the demo is a system of its own.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("TRADESPACE_")}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "service.child", str(os.getpid()), *command],
            env={**own, **env, "PYTHONUNBUFFERED": "1"},
            cwd=ROOT,
            pass_fds=inherits,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then ends them in order
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(started: Service) -> None:
    end = time.monotonic() + START_S
    while not _is_ready(started.url):
        started.check()
        if time.monotonic() > end:
            raise ProgramError(f"the service did not become ready within {START_S:.0f} s", started.log)
        time.sleep(0.1)


def _is_ready(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/readyz", timeout=5)
    except httpx.TransportError:
        return False
    return answer.is_success and answer.json()["status"] == "ok"


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a file."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
