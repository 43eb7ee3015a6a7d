"""A scale is monotone, its ticks are round, distinct and inside, whatever finite values it is made for."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.reports.figures.scales import Scale, padded

#: What an observation may hold (service.schemas.fields.LARGEST_NUMBER).
FINITE = st.floats(-1e100, 1e100)
VALUES = st.lists(FINITE, min_size=1, max_size=8)


def scale_for(values: list[float], *, start: float = 40.0, end: float = 640.0) -> Scale:
    low, high, log = padded(values)
    return Scale(low, high, start=start, end=end, log=log)


@given(VALUES)
@example([1e100, -1e100])
@example([5e-324])
@example([5e-324, 1.0])
@example([0.1, 0.1 + 1e-17, 0.30000000000000004])
def test_every_value_lands_inside_the_frame(values: list[float]) -> None:
    scale = scale_for(values)
    assert scale.low < scale.high
    assert all(40.0 - 1e-6 <= scale.clamped(value) <= 640.0 + 1e-6 for value in values)


@given(VALUES)
@example([1e100, -1e100])
def test_larger_values_never_land_further_left(values: list[float]) -> None:
    scale = scale_for(values)
    pixels = [scale.clamped(value) for value in sorted(values)]
    assert all(a <= b + 1e-6 for a, b in pairwise(pixels))


@given(VALUES)
def test_an_axis_that_points_up_turns_the_order_around(values: list[float]) -> None:
    scale = scale_for(values, start=400.0, end=20.0)
    pixels = [scale.clamped(value) for value in sorted(values)]
    assert all(a >= b - 1e-6 for a, b in pairwise(pixels))


@given(VALUES, st.integers(2, 9))
@example([1e100, 1e-300], 5)
@example([-1e-300, 1e-300], 5)
def test_ticks_ascend_inside_the_domain_and_are_neither_missing_nor_many(values: list[float], count: int) -> None:
    scale = scale_for(values)
    ticks = scale.ticks(count)
    assert all(a < b for a, b in pairwise(ticks))
    assert all(scale.holds(tick) for tick in ticks)
    assert 1 <= len(ticks) <= 3 * count


@given(VALUES, st.integers(2, 9))
def test_no_two_ticks_have_the_same_label(values: list[float], count: int) -> None:
    scale = scale_for(values)
    labels = scale.labels(scale.ticks(count))
    assert len(set(labels)) == len(labels)
    assert all(len(label) <= 20 for label in labels)


def test_labels_have_the_same_decimals_and_no_dust() -> None:
    scale = Scale(0.88, 1.01, start=0.0, end=1.0)
    assert scale.labels(scale.ticks(6)) == ("0.88", "0.90", "0.92", "0.94", "0.96", "0.98", "1.00")


@pytest.mark.parametrize(("values", "is_log"), [([1.0, 39.0], False), ([1.0, 41.0], True), ([-1.0, 41.0], False)])
def test_magnitudes_are_drawn_logarithmically_and_only_positive_ones(values: list[float], is_log: bool) -> None:
    assert padded(values)[2] is is_log


def test_a_logarithmic_scale_puts_the_geometric_mean_in_the_middle() -> None:
    scale = Scale(1.0, 100.0, start=0.0, end=10.0, log=True)
    assert math.isclose(scale(10.0), 5.0)


def test_what_has_no_negatives_gets_no_negative_room() -> None:
    assert padded([0.1, 10.0], allow_log=False)[0] == 0.0
    assert padded([-10.0, -0.1])[1] == 0.0
    assert padded([5.0, 10.0])[0] > 0


def test_equal_values_get_room_around_them() -> None:
    assert padded([3.0, 3.0]) == (2.7, 3.3, False)
    assert padded([0.0]) == (-1.0, 1.0, False)
