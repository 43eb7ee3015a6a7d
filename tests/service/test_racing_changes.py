"""What comes while an experiment is given another parameter is held against what the experiment is afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from service import experiments, observations, transfer
from service.api.door import EXTENSION
from service.app import create_app
from service.db import Database
from service.errors import ConflictError, InvalidInputError
from service.models import Configuration, Experiment, Rejection, Suggestion
from service.schemas.experiment import Definition
from service.schemas.result import check_result, parse_document
from service.settings import Settings
from tasks.ingest import Incoming, ingest
from tests.support import BODY, new_client, new_experiment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDED = {"parameters": [*BODY["parameters"], {"name": "z", "type": "int", "bounds": {"min": 1, "max": 9}}]}
ADDED["parameters"][-1]["default_value"] = 3
PLACE = {"x": 0.25, "y": 0.5}
VALUES = [{"name": "accuracy", "value": 1.0}, {"name": "latency_ms", "value": 2.0}]
#: Long enough for the other one to read what it will be wrong about.
MOMENT_S = 0.3


def while_changing(database: Database, key: int, other: Callable[[], Any]) -> list[Any]:
    """Run `other` while the change is made and not committed yet. Return what it returned, or the error it raised."""
    seen: list[Any] = []

    def run() -> None:
        try:
            seen.append(other())
        except Exception as error:
            seen.append(error)

    thread = threading.Thread(target=run)
    with database.write() as session:
        experiments.update(session, session.get_one(Experiment, key), ADDED, now=NOW)
        thread.start()
        time.sleep(MOMENT_S)
    thread.join(20)
    assert seen
    return seen


def configurations(database: Database) -> list[dict[str, Any]]:
    with database.read() as session:
        return list(session.scalars(sa.select(Configuration.assignments)))


@pytest.fixture
def experiment(database: Database) -> Experiment:
    with database.write() as session:
        return new_experiment(session, now=NOW)


def test_a_result_of_the_stream_that_lacks_the_new_parameter_is_refused(
    database: Database, experiment: Experiment
) -> None:
    document = {"experiment": experiment.id, "assignments": PLACE, "values": VALUES}
    message = Incoming("1-1", document, lambda: parse_document(document, result_id="r1"))
    while_changing(database, experiment.id, lambda: ingest(database, [message], source="stream"))
    assert configurations(database) == []
    with database.read() as session:
        assert "z" in session.scalars(sa.select(Rejection.reason)).one()


def test_a_correction_that_lacks_the_new_parameter_is_refused_and_what_was_there_has_its_default(
    database: Database, experiment: Experiment
) -> None:
    with database.write() as session:
        document = {"experiment": experiment.id, "assignments": PLACE, "values": VALUES}
        result = check_result(parse_document(document, result_id="r1"), Definition.of(experiment))
        (stored,) = observations.store(session, [result], source="http", now=NOW)
        assert isinstance(stored, observations.Stored)

    def correct() -> None:
        with database.write() as session:
            row = session.get_one(Experiment, experiment.id)
            body = {"assignments": {"x": 0.75, "y": 0.5}}
            observations.update(session, row, stored.observation_id, body, token_id=None, now=NOW)

    (refused,) = while_changing(database, experiment.id, correct)
    assert isinstance(refused, InvalidInputError)
    assert configurations(database) == [{**PLACE, "z": 3}]


def test_a_table_whose_experiment_changed_is_refused_as_a_whole(database: Database, experiment: Experiment) -> None:
    table = transfer.Table(BytesIO(b"x,y,accuracy,latency_ms\n0.25,0.5,1,2\n"), experiment)
    table.check()

    def store() -> None:
        with database.write() as session:
            for step in table.steps():
                step(session, NOW)

    (refused,) = while_changing(database, experiment.id, store)
    assert isinstance(refused, ConflictError)
    assert configurations(database) == []


@pytest.fixture
def app(database_url: str, redis_url: str) -> Iterator[Flask]:
    made = create_app(Settings(database_url=database_url, redis_url=redis_url, suggestion_wait_s=0))
    yield made
    made.extensions[EXTENSION].database.close()


@pytest.mark.parametrize("path", ["queued_suggestions", "suggestions", "observations"])
def test_what_comes_by_http_and_lacks_the_new_parameter_is_refused(database: Database, app: Flask, path: str) -> None:
    with database.write() as session:
        client, secret = new_client(session, now=NOW)
        key = new_experiment(session, now=NOW, client_id=client).id
    body = {"assignments": PLACE, **({"values": VALUES} if path == "observations" else {})}

    def send() -> int:
        address = f"/v1/experiments/{key}/{path}"
        return app.test_client().post(address, json=body, auth=(secret, "")).status_code

    assert while_changing(database, key, send) == [400]
    assert configurations(database) == []
    with database.read() as session:
        assert session.scalars(sa.select(Suggestion.id)).all() == []
