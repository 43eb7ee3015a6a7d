"""Quantiles without numpy's wrapper: the same numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from objectives.quantiles import quantiles

numbers = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30)


@given(numbers, st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4))
def test_they_are_those_of_numpy_to_the_last_bit(values: list[float], shares: list[float]) -> None:
    found = quantiles(np.array(values), shares)
    assert [float(q) for q in found] == np.quantile(np.array(values), shares).tolist()


def test_each_column_has_its_own() -> None:
    Y = np.random.default_rng(0).normal(size=(17, 3))
    assert np.array_equal(np.array(quantiles(Y, [0.1, 0.9])), np.quantile(Y, [0.1, 0.9], axis=0))
