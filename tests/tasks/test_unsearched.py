"""Where no model chooses what is tried next, models are fitted for who asks of them, not at each result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from service import knowledge
from service.arrays import measured, predict
from service.db import Database
from service.models import Experiment, Importances, ModelState, Refresh
from service.schemas.experiment import Definition
from tasks import optimize
from tasks.optimize import refresh_once
from tests.support import new_experiment
from tests.tasks.test_optimize import NOW, events, grid, pooled, report

GRID = [{"name": name, "type": "double", "grid": [n / 10 for n in range(10)]} for name in ("x", "y")]
UNSEARCHED: dict[str, dict[str, Any]] = {
    "random": {"type": "random"},
    "grid": {"type": "grid", "parameters": GRID},
    "development": {},
}


@pytest.fixture
def database_url(sqlite_template: Any, tmp_path: Any) -> str:
    """What is decided here is decided in Python."""
    (tmp_path / "tradespace.db").write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{tmp_path / 'tradespace.db'}"


@pytest.fixture(params=UNSEARCHED)
def unsearched(request: pytest.FixtureRequest, database: Database) -> Experiment:
    with database.write() as session:
        row = new_experiment(session, now=NOW, **UNSEARCHED[request.param])
        row.development = request.param == "development"
        return row


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many configurations each fit has seen."""
    seen: list[int] = []
    fit = optimize.fit

    def counting(problem: Any, data: Any, **more: Any) -> Any:
        seen.append(len(data))
        return fit(problem, data, **more)

    monkeypatch.setattr(optimize, "fit", counting)
    return seen


def one_by_one(database: Database, experiment: Experiment, count: int) -> None:
    steps = [(x, y) for x in range(10) for y in range(10)]
    for x, y in [steps[n] for n in np.random.default_rng(1).permutation(len(steps))[:count]]:
        report(database, experiment, [(x / 10, y / 10)])
        assert refresh_once(database, experiment.id, pool_size=2)


def test_fits_become_rarer_as_the_data_grows_and_the_front_stays_new(
    database: Database, unsearched: Experiment, fits: list[int]
) -> None:
    one_by_one(database, unsearched, 40)
    assert fits[:5] == [1, 2, 3, 4, 5]
    assert (len(fits) < 32, np.diff(fits[-4:]).min() > 1) == (True, True), fits
    with database.read() as session:
        row = session.get_one(Refresh, unsearched.id)
        assert (row.front_generation, row.model_generation, row.due_at) == (40, 40, None)


def test_no_pool_is_made_that_nobody_is_served_from(database: Database, unsearched: Experiment) -> None:
    one_by_one(database, unsearched, 3)
    assert pooled(database, unsearched) == []
    assert not events(database, "model.degraded")
    assert events(database, "suggestion.ready")[-1].data == {"model_generation": 3, "count": 0}


def test_predictions_know_the_newest_result_with_the_hyperparameters_of_a_fit_at_each(
    database: Database, unsearched: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = grid(30) if unsearched.type != "grid" else [(n % 10 / 10, n // 10 / 10) for n in range(30)]
    with database.write() as session:
        eager = new_experiment(session, now=NOW, seed=unsearched.seed, parameters=unsearched.parameters)
    for point in points:
        for experiment in (unsearched, eager):
            report(database, experiment, [point])
            assert refresh_once(database, experiment.id, pool_size=1)
    asked = [{"x": 0.3, "y": 0.3}, {"x": 0.8, "y": 0.1}]
    lazy, always = (expected(database, experiment, asked) for experiment in (unsearched, eager))
    np.testing.assert_allclose(lazy, always, rtol=0.05, atol=0.05)


def expected(database: Database, experiment: Experiment, asked: list[dict[str, Any]]) -> list[float]:
    with database.read() as session:
        state = session.get_one(ModelState, experiment.id)
        row = session.get_one(Experiment, experiment.id)
        found = predict(measured(session, experiment.id, Definition.of(row)), state.state, asked, [])
    return [mean for one in found for mean, _ in one.values.values()]


def test_importances_that_somebody_asks_for_are_of_the_newest_data(database: Database, fits: list[int]) -> None:
    with database.write() as session:
        experiment = new_experiment(session, now=NOW, type="random")
    one_by_one(database, experiment, 26)
    with database.write() as session:
        knowledge.ask_for_importances(session, session.get_one(Experiment, experiment.id), now=NOW)
    assert refresh_once(database, experiment.id, pool_size=1)
    assert fits[-1] == 26
    with database.read() as session:
        assert session.scalars(sa.select(Importances.generation)).one() == 26
