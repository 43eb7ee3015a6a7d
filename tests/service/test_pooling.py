"""Pooling is exact, whatever the order."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.pooling import pool

VALUES = st.floats(-1e6, 1e6)
STDDEVS = st.floats(1e-3, 1e3)


def pooled(measured: Sequence[tuple[float, float | None]]) -> dict[str, Any]:
    sums = None
    for value, stddev in measured:
        sums = pool(sums, value, stddev)
    assert sums is not None
    return sums


@given(st.lists(st.tuples(VALUES, STDDEVS), min_size=1, max_size=20))
def test_known_noise_is_weighed_by_its_inverse_variance(measured: list[tuple[float, float]]) -> None:
    sums = pooled(measured)
    weights = [1 / stddev**2 for _, stddev in measured]
    mean = sum(w * value for w, (value, _) in zip(weights, measured, strict=True)) / sum(weights)
    assert math.isclose(sums["mean"], mean, rel_tol=1e-9, abs_tol=1e-6)
    assert math.isclose(sums["stddev"], 1 / math.sqrt(sum(weights)), rel_tol=1e-9)
    assert sums["n"] == len(measured)


@given(st.lists(VALUES, min_size=2, max_size=20))
def test_unknown_noise_is_estimated_from_the_sample(values: list[float]) -> None:
    sums = pooled([(value, None) for value in values])
    assert math.isclose(sums["mean"], statistics.fmean(values), rel_tol=1e-9, abs_tol=1e-6)
    expected = statistics.stdev(values) / math.sqrt(len(values))
    assert math.isclose(sums["stddev"], expected, rel_tol=1e-6, abs_tol=1e-6)


@given(st.lists(st.tuples(VALUES, st.none() | STDDEVS), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_replicates_does_not_matter(
    measured: list[tuple[float, float | None]], dice: random.Random
) -> None:
    shuffled = list(measured)
    dice.shuffle(shuffled)
    one, other = pooled(measured), pooled(shuffled)
    assert math.isclose(one["mean"], other["mean"], rel_tol=1e-9, abs_tol=1e-6)
    assert one["known"] == other["known"]


def test_one_value_without_noise_makes_the_mean_the_plain_one() -> None:
    sums = pooled([(1.0, 0.001), (3.0, None)])
    assert (sums["mean"], sums["stddev"]) == (2.0, 1.0)


def test_a_vanishing_standard_deviation_never_overflows() -> None:
    assert math.isfinite(pooled([(1.0, 1e-300), (2.0, 0.0), (3.0, 0.5)])["mean"])
