"""The example through the real system: `make demo` as people start it, and one producer on its own."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from examples.digits import space
from examples.digits.receiver import Receiver
from tests.system import MARK, System, eventually, unused_ports
from tradespace import Client

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"


class Demo:
    """A running `demo.py` on free ports, whose processes can be found by a mark in their environment."""

    def __init__(self, data: Path, *options: str) -> None:
        port, redis_port = unused_ports(2)
        self._mark = uuid.uuid4().hex
        places = ["--port", str(port), "--redis-port", str(redis_port), "--data", str(data)]
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, str(DIGITS / "demo.py"), *places, *options],
            env={**os.environ, MARK: self._mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def is_gone(self) -> bool:
        """Whether nothing of it lives."""
        return not self.survivors()

    def survivors(self) -> Mapping[int, str]:
        """Return the processes that it started and that live."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                is_ours = f"{MARK}={self._mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
                if is_ours or (folder / "cwd").readlink().is_relative_to(self.data):  # Valkey hides its environment
                    found[int(folder.name)] = (folder / "cmdline").read_text()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it ended while we looked, or is not ours
        return found


@pytest.fixture
def started() -> Iterator[list[Demo]]:
    """Demos that a test starts; none is left running when the test fails."""
    demos: list[Demo] = []
    yield demos
    for demo in demos:
        demo.process.kill()
        demo.process.communicate()
        eventually(demo.is_gone, what="nothing is left of the demo")


def test_the_demo_walks_the_whole_journey_and_leaves_nothing_behind(tmp_path: Path, started: list[Demo]) -> None:
    demo = Demo(tmp_path / "demo", "--once", "--trials", "6")
    started.append(demo)
    said, _ = demo.process.communicate(timeout=100)
    assert demo.process.returncode == 0, said
    for stop in ("queue", "row", "front", "models", "suggestion", "report page", "webhook"):
        assert f"ok  {stop}" in said
    assert "6 results came in by the stream, none waits" in said
    assert "Recommended: option" in said
    assert "/report?guest=ts_" in said
    assert not demo.survivors()


def test_a_demo_keeps_its_folder_to_itself_and_when_told_to_end_takes_everything_with_it(
    tmp_path: Path, started: list[Demo]
) -> None:
    demo = Demo(tmp_path / "demo", "--trials", "200")
    started.append(demo)
    producers = [tmp_path / "demo" / f"producer-{number}.log" for number in (1, 2)]
    eventually(lambda: all(log.exists() for log in producers), what="the producers are at work", within_s=60)
    second = Demo(tmp_path / "demo", "--once")
    started.append(second)
    refusal, _ = second.process.communicate(timeout=30)
    assert (second.process.returncode, "another demo runs" in refusal) == (1, True)
    demo.process.send_signal(signal.SIGTERM)
    said, _ = demo.process.communicate(timeout=30)
    assert demo.process.returncode == 128 + signal.SIGTERM, said
    assert not demo.survivors()


def test_a_service_that_dies_is_named_with_its_log(tmp_path: Path, started: list[Demo]) -> None:
    data = tmp_path / "demo"
    data.mkdir()
    (data / "tradespace.db").write_text("this is not a database, and long enough for that to be seen" * 20)
    demo = Demo(data, "--once", "--trials", "6")
    started.append(demo)
    said, _ = demo.process.communicate(timeout=60)
    assert demo.process.returncode == 1
    assert "FAILED: the service ended with exit status 1" in said
    assert "the database cannot be used" in said  # the tail of the service's log


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with System(tmp_path_factory.mktemp("digits") / "data") as running:
        yield running


@pytest.fixture
def client(system: System) -> Iterator[Client]:
    with Client(system.url, system.token) as open_client:
        yield open_client


def test_a_producer_reports_a_configuration_that_fails_and_goes_on(system: System, client: Client) -> None:
    experiment = client.create_experiment(**space.definition(budget=2, producers=1))
    client.queue_suggestion(experiment, {"family": "nearest_neighbours", "components": 500, "neighbours": 1})
    client.queue_suggestion(experiment, {"family": "nearest_neighbours", "components": 20, "neighbours": 1})
    env = {"TRADESPACE_URL": system.url, "TRADESPACE_TOKEN": system.token, "TRADESPACE_REDIS_URL": system.redis_url}
    command = [sys.executable, str(DIGITS / "producer.py"), experiment.id, "--trials", "2"]
    subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True, timeout=60)
    eventually(lambda: client.experiment(experiment).observation_count == 2, what="both results are stored")
    worked, failed = system.http.get(f"/v1/experiments/{experiment.id}/observations").json()["data"]
    assert (worked["failed"], failed["failed"]) == (False, True)
    assert "n_components=500" in failed["metadata"]["error"]
    assert {value["name"] for value in worked["values"]} == {"accuracy", "latency_ms", "cost_usd"}


@pytest.fixture
def journey(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The checks, as demo.py sees them: it runs as a script, so its neighbours are top-level modules."""
    monkeypatch.syspath_prepend(DIGITS)
    module = importlib.import_module("journey")
    monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    yield module
    for name in ("journey", "receiver"):
        del sys.modules[name]


@pytest.mark.parametrize(
    ("stop", "published", "reason"),
    [
        ("queue", 0, "the producers published nothing"),
        ("row", 24, "24 results are not stored. None of them was refused"),
        ("front", 24, "the front is empty"),
        ("models", 24, "no suggestion came from a model"),
        ("suggestion", 24, "1 results belong to no suggestion of the API"),
        ("report page", 24, "no recommended option"),
        ("webhook", 24, "no front.changed and no suggestion.ready arrived"),
    ],
)
def test_a_stop_that_did_not_happen_is_missed_with_its_reason(
    journey: ModuleType, system: System, client: Client, stop: str, published: int, reason: str
) -> None:
    experiment = client.create_experiment(**space.definition(budget=24, producers=1))
    client.observe(
        experiment,
        failed=True,
        assignments={"family": "nearest_neighbours", "components": 20, "neighbours": 1},
    )
    eventually(lambda: client.front(experiment).generation == 1, what="the front has seen the result")
    ids = [f"never-sent-{number}" for number in range(published)]
    with journey.Api(system.url, system.token) as api, Receiver() as receiver:
        address = client.report_url(experiment)
        run = journey.Run(client, api, system.redis_url, receiver, experiment.id, ids, address)
        with pytest.raises(journey.MissedError, match=reason):
            journey.STOPS[stop](run)
