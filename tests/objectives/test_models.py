"""Models of an experiment: partial data, failures, many rows, round trips; each promise in one test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from objectives.errors import FitError
from objectives.fitting import ADDITIVE_UP_TO, EXACT, LOCAL, fit, local_rows
from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.models import Models
from objectives.optimizer import suggest
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace

SPACE = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
PROBLEM = Problem(SPACE, (Metric("a"), Metric("b", "minimize"), Metric("c", "maximize", "constraint", 0.3)))


def told(n: int, seed: int = 0, **more) -> Data:
    X = np.random.default_rng(seed).random((n, 2))
    values = np.column_stack([np.sin(4 * X[:, 0]), X[:, 1] ** 2 + X[:, 0], X[:, 0] * X[:, 1]])
    return Data(SPACE.decode(X), values, **more)


def test_predictions_are_in_natural_units_and_signs() -> None:
    data = told(40)
    models = fit(PROBLEM, data, rng=np.random.default_rng(0))
    mean, sd = models.predict(data.assignments)
    np.testing.assert_allclose(mean, data.values, atol=0.05)
    assert (sd >= 0).all()
    assert all(quality.r2 > 0.9 for quality in models.fit_quality.values())


def test_a_metric_that_arrives_later_leaves_the_others_their_rows() -> None:
    data = told(30)
    values = data.values.copy()
    values[10:, 1] = np.nan
    models = fit(PROBLEM, Data(data.assignments, values), rng=np.random.default_rng(0))
    assert [len(gp) for gp in models.gps] == [30, 10, 30]


def test_the_kernel_follows_the_metric() -> None:
    """A smooth metric, one with steps, and one of which each parameter has its own part, side by side."""
    X = np.random.default_rng(0).random((60, 2))
    smooth, rugged, parts = np.cos(4 * (X[:, 0] - X[:, 1])), X.sum(axis=1) > 0.9, np.sin(9 * X).sum(axis=1)
    data = Data(SPACE.decode(X), np.column_stack([smooth, rugged, parts]))
    problem = Problem(SPACE, (Metric("smooth"), Metric("rugged"), Metric("parts")))
    models = fit(problem, data, rng=np.random.default_rng(0))
    assert [models.kernels[name] for name in ("smooth", "rugged", "parts")] == ["matern52", "matern32", "additive"]
    assert dict(Models.from_dict(models.to_dict()).kernels) == models.kernels


def test_a_kernel_that_has_clearly_lost_rests_at_the_next_choice_and_then_is_tried_again() -> None:
    X = np.random.default_rng(0).random((60, 2))
    data = Data(SPACE.decode(X), np.sin(9 * X).sum(axis=1, keepdims=True))
    problem, rng = Problem(SPACE, (Metric("parts"),)), np.random.default_rng(0)
    models, resting = Models(), []
    for _ in range(6):
        models = Models.from_dict(fit(problem, data, previous=models, rng=rng, refit=True).to_dict())
        resting.append(set(models.beaten["parts"]))
    lost = {"matern52", "matern32"}
    assert models.kernels["parts"] == "additive"
    assert resting == [lost, lost, set(), set(), lost, lost]


@pytest.mark.parametrize(("d", "additive"), [(ADDITIVE_UP_TO, True), (ADDITIVE_UP_TO + 1, False), (1, False)])
def test_the_additive_kernel_is_no_rival_with_one_parameter_or_very_many(d: int, *, additive: bool) -> None:
    space = SearchSpace(tuple(Double(f"x{k}", 0, 1) for k in range(d)))
    X = np.random.default_rng(0).random((50, d))
    models = fit(
        Problem(space, (Metric("y"),)),
        Data(space.decode(X), np.square(X - 0.35).sum(axis=1, keepdims=True)),
        rng=np.random.default_rng(0),
    )
    assert (models.kernels["y"] == "additive") == additive


def test_a_stored_metric_has_no_model() -> None:
    problem = Problem(SPACE, (*PROBLEM.metrics, Metric("note", strategy="store")))
    data = told(12)
    wide = Data(data.assignments, np.column_stack([data.values, np.full(12, np.nan)]))
    mean, _ = fit(problem, wide, rng=np.random.default_rng(0)).predict(data.assignments)
    assert np.isnan(mean[:, 3]).all()
    assert np.isfinite(mean[:, :3]).all()


def test_success_is_modelled_only_once_something_failed() -> None:
    data = told(20)
    assert fit(PROBLEM, data, rng=np.random.default_rng(0)).success is None
    bad = data.values[:, 0] < 0.5
    values = np.where(bad[:, None], np.nan, data.values)
    models = fit(PROBLEM, Data(data.assignments, values, failures=bad.astype(float)), rng=np.random.default_rng(0))
    chance = models.success.predict(models.features(SPACE.encode(data.assignments)))[0]
    assert chance[bad].max() < chance[~bad].min()


def test_stored_models_must_be_conditioned_before_they_predict() -> None:
    stored = Models.from_dict(fit(PROBLEM, told(10), rng=np.random.default_rng(0)).to_dict())
    assert not stored.conditioned
    with pytest.raises(FitError):
        stored.predict([{"x": 0.5, "y": 0.5}])


def test_hyperparameters_of_another_space_are_ignored() -> None:
    other = Problem(SearchSpace((Double("x", 0, 1),)), PROBLEM.metrics)
    data = told(10)
    single = Data([{"x": a["x"]} for a in data.assignments], data.values)
    previous = fit(PROBLEM, data, rng=np.random.default_rng(0))
    assert fit(other, single, previous=previous, rng=np.random.default_rng(0)).gps[0].theta.shape == (3,)


def test_beyond_some_size_the_models_keep_the_best_and_a_sample() -> None:
    data = told(EXACT + 500)
    mask = local_rows(PROBLEM, PROBLEM.to_max(data.values))
    assert mask.sum() == LOCAL
    front = observed_front(PROBLEM, data)
    assert mask[list(front.indices)].all()
    gaps = np.diff(np.flatnonzero(mask))
    assert gaps.max() < 40


def test_thousands_of_rows_still_lead_to_a_suggestion_and_a_note() -> None:
    data = told(EXACT + 100)
    models = fit(PROBLEM, data, rng=np.random.default_rng(0))
    assert any(str(LOCAL) in note for note in models.notes)
    found = suggest(PROBLEM, data, observed_front(PROBLEM, data), models, count=1, rng=np.random.default_rng(0))
    assert found[0].strategy == "log_ehvi"


def test_models_at_hand_are_continued_to_what_stored_ones_give() -> None:
    """The factor of the last models is extended; from a dict it is computed anew: the same predictions."""
    before, data = told(30), told(33)
    first = fit(PROBLEM, before, rng=np.random.default_rng(0))
    at = told(5, seed=9).assignments
    continued = fit(PROBLEM, data, previous=first, rng=np.random.default_rng(0), refit=False)
    stored = fit(
        PROBLEM, data, previous=replace(Models(), thetas=first.thetas, kernels=first.kernels),
        rng=np.random.default_rng(0), refit=False,
    )  # fmt: skip
    for a, b in zip(continued.predict(at), stored.predict(at), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_the_input_is_left_alone() -> None:
    data = told(15)
    before = data.values.copy()
    models = fit(PROBLEM, data, rng=np.random.default_rng(0))
    suggest(PROBLEM, data, observed_front(PROBLEM, data), models, count=3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(data.values, before)
    assert len(models.gps[0]) == 15
