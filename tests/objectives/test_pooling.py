"""Repeats made one row tell a model what the repeats themselves would."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.gp import fit_gp
from objectives.metrics import Metric
from objectives.pooling import Observation, Pool, pool
from objectives.problem import Problem
from objectives.space import Double, SearchSpace

PROBLEM = Problem(SearchSpace((Double("x", 0, 1),)), (Metric("a"), Metric("b", "minimize")))


def test_failures_partial_values_and_unknown_noise_are_kept_apart() -> None:
    told = [
        Observation({"x": 0.1}, {"a": 1.0}, {"a": 0.5}),
        Observation({"x": 0.2}, None),
        Observation({"x": 0.1}, {"a": 3.0, "b": 7.0}),
        Observation({"x": 0.2}, {"a": 4.0}, {"a": 0.0}),
    ]
    data = pool(PROBLEM, told, pending=[{"x": 0.9}])
    np.testing.assert_array_equal(data.values, [[2.0, 7.0], [4.0, np.nan]])
    np.testing.assert_array_equal(data.counts, [[2, 1], [1, 0]])
    assert np.isnan(data.variances).all()
    assert data.failures.tolist() == [0.0, 1.0]


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.1, 2)), min_size=2, max_size=5))
@settings(max_examples=20)
def test_a_model_of_the_pooled_row_is_the_model_of_the_repeats(repeats: list) -> None:
    """Same hyperparameters, same standardisation: the posterior must agree. Known noise only."""
    told = [Observation({"x": 0.5}, {"a": value, "b": 0.0}, {"a": sd, "b": 1.0}) for value, sd in repeats]
    row = pool(PROBLEM, told)
    theta, owner, at = np.array([0.0, 0.0, -20.0]), np.array([0]), np.linspace(0, 1, 5)[:, None]
    apart = fit_gp(
        np.full((len(repeats), 1), 0.5), owner, np.array([v for v, _ in repeats]),
        known=np.array([s**2 for _, s in repeats]), starts=(theta,), refit=False,
    )  # fmt: skip
    scaled = np.array([apart.standardise(row.values[:, 0])[0]])
    k = np.array([[1.0]])
    gain = k / (1.0 + row.variances[0, 0] / apart.sd**2)
    expected = apart.mean + apart.sd * apart.correlate(at)[:, 0] * (gain * scaled)[0, 0]
    np.testing.assert_allclose(apart.predict(at)[0], expected, rtol=1e-4, atol=1e-5)


@given(st.floats(-9, 9), st.floats(0.1, 9))
def test_a_single_measurement_is_itself(value: float, sd: float) -> None:
    """With known and unknown noise, and with a metric missing."""
    told = [
        Observation({"x": 0.1}, {"a": value, "b": 1.0}, {"a": sd}),
        Observation({"x": 0.2}, {"b": value}, {"a": sd, "b": 0.0}),
        Observation({"x": 0.3}, None),
    ]
    data = pool(PROBLEM, told)
    np.testing.assert_array_equal(data.values, [[value, 1.0], [np.nan, value], [np.nan, np.nan]])
    np.testing.assert_allclose(data.variances, [[sd**2, np.nan], [np.nan, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(data.counts, [[1, 1], [0, 1], [0, 0]])
    assert data.failures.tolist() == [0.0, 0.0, 1.0]


def test_many_repeats_are_one_row() -> None:
    told = [Observation({"x": i % 5 / 5}, {"a": float(i)}) for i in range(5000)]
    data = pool(PROBLEM, told)
    assert len(data) == 5
    assert data.counts[:, 0].tolist() == [1000.0] * 5


@given(st.lists(st.tuples(st.integers(0, 3), st.none() | st.floats(-9, 9), st.booleans()), max_size=12))
def test_to_look_between_measurements_changes_nothing(told: list) -> None:
    """Rows are kept from look to look; only that of the newest measurement is made anew."""
    observations = [
        Observation({"x": x / 4}, None if a is None else {"a": a}, {"a": 0.5} if sd else {}) for x, a, sd in told
    ]
    pooled = Pool(PROBLEM)
    for count, observation in enumerate(observations, 1):
        pooled.add(observation)
        seen, whole = pooled.data(), pool(PROBLEM, observations[:count])
        assert list(seen.assignments) == list(whole.assignments)
        for name in ("values", "variances", "counts", "failures", "costs"):
            np.testing.assert_array_equal(getattr(seen, name), getattr(whole, name))
