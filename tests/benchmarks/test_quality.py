"""The tables of real tuning problems: what is stored is what was measured, and everyone sees the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality.best import long_run
from benchmarks.quality.make_tables import MEASURES
from benchmarks.quality.problems import PROBLEMS
from benchmarks.quality.run import best_known, score
from benchmarks.quality.tuned import FOLDER, SETTINGS, every_value, looked_up

LARGEST = 300_000


@pytest.mark.parametrize("name", SETTINGS)
def test_a_table_is_small_and_has_a_row_for_every_setting_of_its_problem(name: str) -> None:
    assert (FOLDER / f"{name}.npz").stat().st_size < LARGEST
    case = PROBLEMS[name]
    assert len(every_value(name)) == np.prod([len(values) for values in SETTINGS[name].values()])
    points = case.problem.space.decode(np.random.default_rng(0).uniform(size=(200, len(SETTINGS[name]))))
    assert all(len(case.function(a)) == case.problem.m for a in points)


@pytest.mark.parametrize("name", ["svc_digits", "forest_digits", "boosting_diabetes"])
def test_a_cell_measured_again_is_the_stored_one(name: str) -> None:
    place = {setting: len(values) // 2 for setting, values in SETTINGS[name].items()}
    values = {setting: SETTINGS[name][setting][k] for setting, k in place.items()}
    asked = {setting: values[setting] if isinstance(values[setting], str) else k for setting, k in place.items()}
    assert MEASURES[name](**values) == pytest.approx(looked_up(name)(asked), rel=1e-5)


def test_a_setting_that_does_not_matter_changes_nothing() -> None:
    small = {"layers": "one", "first": 1, "activation": "relu", "solver": "adam", "rate": 3, "penalty": 0}
    function = looked_up("net_digits")
    assert function(small) == function(small | {"second": 1}) == function(small | {"momentum": 1})


@pytest.mark.parametrize("name", SETTINGS)
def test_the_best_known_of_a_table_is_that_of_all_its_cells(name: str) -> None:
    assert best_known()[name] == pytest.approx(long_run(PROBLEMS[name], score))
    rows = every_value(name)
    some = rows[np.random.default_rng(0).permutation(len(rows))[:200]]
    assert 0 < score(PROBLEMS[name], some) <= best_known()[name]
