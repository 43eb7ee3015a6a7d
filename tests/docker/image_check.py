"""The image and compose at work, without an engine: `make image-check`. Apart from the suite, since it installs anew.

What it cannot see: the base image itself, its user, the read-only root. What it holds instead: the recipe's own lines
make an installation that is complete and stands on no library that the slim base lacks; and its processes, started with
compose's own commands, variables and health checks, carry a result from the stream to the front and write nowhere else.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import redis
from ruamel.yaml import YAML

from tests.docker.image import Image, build
from tests.docker.recipe import ROOT
from tests.system import eventually, unused_ports

COMPOSE: Final = ROOT / "docker/compose.yaml"
SERVICES: Final[dict[str, dict[str, Any]]] = YAML(typ="safe").load(COMPOSE.read_text(encoding="utf-8"))["services"]
SECRETS: Final = {
    "POSTGRES_PASSWORD": "postgres0password",
    "VALKEY_PASSWORD": "valkey0password",
    "TRADESPACE_ADMIN_TOKEN": "compose-admin-token",
    "TRADESPACE_SECRET_KEYS": "compose-secret-key-of-32-letters",
}
#: What python:3.11-slim-bookworm has: Debian's C and C++ run time, zlib, and those of Python's own modules.
IN_SLIM_BASE: Final = {
    *("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2", "libutil.so.1"),
    *("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "ld-linux-x86-64.so.2", "linux-vdso.so.1"),
}

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image, made by the recipe's own lines. Half a gigabyte: it does not stay."""
    with tempfile.TemporaryDirectory(prefix="tradespace-image-") as folder:
        yield build(Path(folder))


def test_compose_itself_reads_the_file() -> None:
    command = _compose()
    shown = subprocess.run(
        [*command, "-f", COMPOSE, "config"],
        env={**os.environ, **SECRETS},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert set(YAML(typ="safe").load(shown.stdout)["services"]) == set(SERVICES)


@pytest.mark.parametrize("missing", SECRETS)
def test_compose_refuses_to_start_without_a_secret(missing: str) -> None:
    shown = subprocess.run(
        [*_compose(), "-f", COMPOSE, "config"],
        env={**os.environ, **SECRETS, missing: ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode != 0
    assert "is not set in docker/.env" in shown.stderr


def _compose() -> list[str]:
    """Return the command that is compose here: Docker's plug-in or Debian's package. To read a file needs no engine."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    if shutil.which("docker-compose") is None:
        raise FileNotFoundError("neither `docker compose` nor `docker-compose` is here: apt-get install docker-compose")
    return ["docker-compose"]


def test_the_image_has_the_command_and_not_what_installed_it(image: Image) -> None:
    shown = image.run(["tradespace", "--help"], {})
    assert shown.returncode == 0, shown.stderr
    for name in ("migrate", *(service["command"][0] for service in SERVICES.values() if "build" in service)):
        assert re.search(rf"^  {name} ", shown.stdout, re.MULTILINE), name
    assert not list((image.root / "opt/tradespace/bin").glob("pip*"))


def test_the_image_migrates_a_database(image: Image, tmp_path: Path) -> None:
    given = {"TRADESPACE_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}
    shown = image.run(["tradespace", "migrate"], given)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Admin token, shown this once:" in shown.stdout


def test_every_library_that_it_needs_is_its_own_or_in_the_slim_base(image: Image) -> None:
    binaries = [path for path in image.files() if re.search(r"\.so(\.[\d.]+)?$", path.name)]
    binaries += [path for path in image.files() if path.name == "valkey-server"]
    needed: set[str] = set()
    for path in binaries:
        # Its status is that of a file without such needs as well.
        shown = subprocess.run(["ldd", path], capture_output=True, text=True, timeout=60, check=False).stdout
        needed |= {Path(name).name for name in re.findall(r"^\t(\S+) (?:=>|\()", shown, re.MULTILINE)}
    assert len(binaries) > 50
    assert needed - IN_SLIM_BASE - {path.name for path in image.files()} == set()


class Containers:
    """Compose's services as processes of this machine."""

    def __init__(self, image: Image, folder: Path, database_url: str) -> None:
        self.image = image
        self.folder = folder
        self.web_port, self.valkey_port = unused_ports(2)
        self._moved = {
            "postgresql://tradespace:postgres0password@postgres:5432/tradespace": database_url,
            "@valkey:6379": f"@127.0.0.1:{self.valkey_port}",
            "8321": str(self.web_port),
            "0.0.0.0": "127.0.0.1",
            "$$": "$",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def here(self, text: str) -> str:
        """Return a word of compose.yaml as it is on this machine: secrets filled in, addresses and ports moved."""
        filled = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: SECRETS[match[1]], text)
        for there, here in self._moved.items():
            filled = filled.replace(there, here)
        return filled

    def environment(self, name: str) -> dict[str, str]:
        given: Mapping[str, str] = SERVICES[name]["environment"]
        return {key: self.here(value) for key, value in given.items()} | {"HOSTNAME": socket.gethostname()}

    def start(self, name: str) -> None:
        command = ["tradespace", *(self.here(word) for word in SERVICES[name]["command"])]
        self.processes[name] = self.image.popen(command, self.environment(name), log=self.folder / f"{name}.log")

    def start_valkey(self) -> None:
        data = self.folder / "valkey"
        data.mkdir()
        server, *flags = [self.here(word) for word in SERVICES["valkey"]["command"]]
        (binary,) = [path for path in self.image.files() if path.name == server]
        place = ["--port", str(self.valkey_port), "--bind", "127.0.0.1", "--dir", str(data)]
        self.processes["valkey"] = self.image.popen([str(binary), *flags, *place], {}, log=self.folder / "valkey.log")

    def is_healthy(self, name: str) -> bool:
        kind, *test = [self.here(word) for word in SERVICES[name]["healthcheck"]["test"]]
        command = ["/bin/sh", "-c", *test] if kind == "CMD-SHELL" else test
        assert self.processes[name].poll() is None, (self.folder / f"{name}.log").read_text()
        return self.image.run(command, self.environment(name)).returncode == 0

    def stop(self, name: str) -> int:
        process = self.processes.pop(name)
        process.terminate()
        grace = int(SERVICES[name].get("stop_grace_period", "10s").removesuffix("s"))
        try:
            return process.wait(grace)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started, as the end of a container does."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def containers(image: Image, postgres_url: str, tmp_path: Path) -> Iterator[Containers]:
    """All of compose's services, each started when what it waits for is there."""
    running = Containers(image, tmp_path, postgres_url)
    try:
        running.start_valkey()
        running.start("migrate")
        assert running.processes.pop("migrate").wait(60) == 0, (tmp_path / "migrate.log").read_text()
        eventually(lambda: _answers(running), what="valkey answers")
        for name in ("web", "worker", "ingest", "relay"):
            running.start(name)
        yield running
    finally:
        for process in running.processes.values():
            end(process)


def _answers(running: Containers) -> bool:
    url = running.environment("web")["TRADESPACE_REDIS_URL"]
    with redis.Redis.from_url(url, retry=None) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def test_composes_services_carry_a_result_from_the_stream_to_the_front(containers: Containers, image: Image) -> None:
    before = image.files()
    for name in ("web", "worker"):
        eventually(lambda name=name: containers.is_healthy(name), what=f"{name} is healthy", within_s=120)
    token = SECRETS["TRADESPACE_ADMIN_TOKEN"]
    with httpx.Client(base_url=f"http://127.0.0.1:{containers.web_port}", auth=(token, ""), timeout=30) as http:
        parameters = [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}}]
        body = {"name": "compose", "parameters": parameters, "metrics": ["a", {"name": "b", "objective": "minimize"}]}
        experiment = http.post("/v1/experiments", json=body).raise_for_status().json()["id"]
        path = f"/v1/experiments/{experiment}"
        suggestion = http.post(f"{path}/suggestions", json={}).raise_for_status().json()["id"]
        message = {"experiment": experiment, "suggestion": suggestion, "values": {"a": 1.5, "b": 2.0}}
        with redis.Redis.from_url(containers.environment("web")["TRADESPACE_REDIS_URL"]) as client:
            client.xadd("tradespace:results", {"data": json.dumps(message)})
        front = eventually(lambda: http.get(f"{path}/front").json()["points"], what="the front has a point")
        assert len(front) == 1
        assert http.get(f"/experiments/{experiment}/report").status_code == 200
    statuses = {name: containers.stop(name) for name in ("web", "worker", "ingest", "relay")}
    assert statuses == dict.fromkeys(statuses, 0)
    assert image.files() == before
