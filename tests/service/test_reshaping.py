"""Whatever changes come, in whatever order: the worker goes on, and sums are those of the results that are there."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import experiments, observations, suggestions
from service.db import Database
from service.models import Configuration, Experiment, Observation, Refresh
from service.pooling import pool
from service.schemas.assignments import assignments_key
from service.schemas.experiment import Definition
from service.schemas.result import check_result, parse_document
from tasks.optimize import refresh_once
from tests.support import new_experiment

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

#: What each parameter may be changed to; a list of them is drawn anew at each change.
MENU: dict[str, list[dict[str, Any]]] = {
    "x": [{}, {"bounds": {"min": 0, "max": 1}}, {"bounds": {"min": 0.25, "max": 0.5}, "default_value": 0.5}],
    "n": [{"type": "int", "bounds": {"min": 1, "max": 4}, "default_value": 2}],
    "c": [
        {"type": "categorical", "categorical_values": values, "default_value": "p"}
        for values in (["p", "q"], ["p", "q", "r"], ["r", "p"])
    ],
    "g": [{"type": "double", "grid": grid, "default_value": 1} for grid in ([0, 1], [1, 2, 4])],
}


def change(session: Session, row: Experiment, dice: random.Random, now: datetime) -> None:
    names = ["x", *dice.sample(["n", "c", "g"], dice.randrange(4))]
    parameters = [{"name": name, "default_value": 0.5, **dice.choice(MENU[name])} for name in names]
    experiments.update(session, row, {"parameters": parameters}, now=now)


def observe(session: Session, row: Experiment, dice: random.Random, now: datetime) -> None:
    """Report a suggestion, or a configuration that may well have been measured before."""
    definition = Definition.of(row)
    if dice.random() < 0.5:
        place: dict[str, Any] = {"suggestion": suggestions.claim(session, row, now=now).id}
    else:
        place = {"assignments": {p.name: p.default_value or 0.5 for p in definition.parameters}}
    if dice.random() < 0.8:
        place["values"] = [{"name": name, "value": dice.random(), "value_stddev": 0.1} for name in ("a", "b")]
    else:
        place["failed"] = True
    message = parse_document({"experiment": row.id, **place}, result_id=f"r{dice.random()}")
    (outcome,) = observations.store(session, [check_result(message, definition)], source="http", now=now)
    assert isinstance(outcome, observations.Stored)


def check(session: Session) -> None:
    for configuration in session.scalars(sa.select(Configuration).execution_options(populate_existing=True)):
        assert configuration.key == assignments_key(configuration.assignments, configuration.task)
        mine = sa.select(Observation).where(Observation.configuration_id == configuration.id).order_by(Observation.id)
        sums: dict[str, Any] = {}
        rows = session.scalars(mine).all()
        for row in rows:
            for value in row.values:
                sums[value["name"]] = pool(sums.get(value["name"]), value["value"], value["value_stddev"])
        assert (configuration.sums, configuration.failures) == (sums, sum(row.failed for row in rows))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_changes_come_sums_are_those_of_the_results_and_the_worker_goes_on(
    database: Database, seed: int
) -> None:
    dice = random.Random(seed)
    parameters = [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}}]
    with database.write() as session:
        now = datetime.now(UTC)
        key = new_experiment(session, now=now, parameters=parameters, metrics=["a", "b"]).id
    for _ in range(30):
        with database.write() as session:
            row, now = session.get_one(Experiment, key), datetime.now(UTC)
            dice.choices((change, observe), (1, 3))[0](session, row, dice, now)
        if dice.random() < 0.2:
            refresh_once(database, key, pool_size=2)
        with database.read() as session:
            assert session.get_one(Refresh, key).last_error is None
    with database.read() as session:
        check(session)
        assert session.get_one(Refresh, key).observation_count == session.scalar(
            sa.select(sa.func.count()).select_from(Observation)
        )
