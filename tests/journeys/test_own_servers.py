"""With servers of one's own nothing embedded is started, and the journey is the same."""

from __future__ import annotations

from pathlib import Path

from tests.support import BODY
from tests.system import System, eventually
from tradespace import Client, Producer


def test_the_system_uses_the_servers_that_the_environment_names(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with System(tmp_path / "data", database_url=database_url, redis_url=redis_url) as system:
        assert set(system.pids()["children"]) == {"web", "worker", "ingest", "relay"}
        with Client(system.url, system.token) as client, Producer(redis_url) as producer:
            experiment = client.create_experiment(BODY["name"], BODY["parameters"], BODY["metrics"])
            result_id = producer.publish(
                experiment, {"accuracy": 0.9, "latency_ms": 3}, assignments={"x": 0.25, "y": 0.5}
            )
            eventually(lambda: client.front(experiment).points, what="the result is on the front")
            (point,) = client.front(experiment).points
            assert point.values["accuracy"].value == 0.9
            assert client.next_suggestion(experiment, after=result_id).assignments
