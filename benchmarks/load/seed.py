"""The database that a load run starts from: experiments with their observations, as the use cases store them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from service import experiments, migrations, observations, tokens
from service.db import Database
from service.models import Client, Experiment, Refresh
from service.schemas.experiment import Definition
from service.schemas.result import Result, check_result, parse_document

__all__ = ["BODY", "TOKEN", "assignments", "seed", "values", "wait_for_models"]

TOKEN: Final = "load-test-token-of-no-importance"
BODY: Final[dict[str, Any]] = {
    "name": "load",
    "parameters": [
        *({"name": f"x{number}", "type": "double", "bounds": {"min": 0, "max": 1}} for number in range(4)),
        {"name": "depth", "type": "int", "bounds": {"min": 1, "max": 50}},
        {"name": "kind", "type": "categorical", "categorical_values": ["a", "b", "c"]},
    ],
    "metrics": [
        {"name": "accuracy", "threshold": 0.2},
        {"name": "latency_ms", "objective": "minimize", "threshold": 4},
        {"name": "cost_usd", "objective": "minimize", "threshold": 2},
    ],
}
_BATCH: Final = 500


def assignments(dice: random.Random) -> dict[str, Any]:
    numbers = {f"x{number}": dice.random() for number in range(4)}
    return {**numbers, "depth": dice.randint(1, 50), "kind": dice.choice("abc")}


def values(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Three metrics that pull against each other."""
    near = sum((given[f"x{number}"] - 0.3) ** 2 for number in range(4))
    far = sum((given[f"x{number}"] - 0.7) ** 2 for number in range(4))
    measured = {"accuracy": 1 - near, "latency_ms": far + given["depth"] / 50, "cost_usd": abs(near - far)}
    return [{"name": name, "value": value} for name, value in measured.items()]


def seed(url: str, *, experiment_count: int, observation_count: int) -> list[int]:
    """Fill an empty database; return the ids of its experiments."""
    database = Database(url)
    migrations.upgrade(database.engine)
    with database.write() as session:
        now = database.now(session)
        tokens.bootstrap(session, preset=TOKEN, now=now)
        client_id = session.scalars(sa.select(Client.id)).one()
        rows = [experiments.create(session, BODY, client_id=client_id, now=now) for _ in range(experiment_count)]
        ids, definition = [row.id for row in rows], Definition.of(rows[0])
    for key in ids:
        for start in range(0, observation_count, _BATCH):
            count = min(_BATCH, observation_count - start)
            with database.write() as session:
                results = list(_results(key, definition, start, count))
                observations.store(session, results, source="load", now=database.now(session))
    database.close()
    return ids


def _results(key: int, definition: Definition, start: int, count: int) -> Iterator[Result]:
    dice = random.Random(f"{key}/{start}")
    for number in range(start, start + count):
        given = assignments(dice)
        document = {"experiment": key, "assignments": given, "values": values(given)}
        yield check_result(parse_document(document, result_id=f"seed-{number}"), definition)


def wait_for_models(url: str, *, within_s: float) -> float:
    """Return how long it took until workers had seen every result; whatever is missing after `within_s` is let be."""
    database, begin = Database(url), time.monotonic()
    behind = sa.select(sa.func.count()).where(Refresh.model_generation < Refresh.data_generation)
    while time.monotonic() - begin < within_s:
        with database.read() as session:
            left = session.scalar(behind.select_from(Refresh).join(Experiment, Experiment.id == Refresh.experiment_id))
        if not left:
            break
        time.sleep(0.5)
    database.close()
    return time.monotonic() - begin
