"""Boxes cover exactly what the front leaves, without overlap; moocore is the judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from objectives.boxes import boxes_above
from objectives.pareto import hypervolume

fronts = st.integers(1, 5).flatmap(
    lambda m: st.integers(0, 9).flatmap(lambda n: arrays(np.float64, (n, m), elements=st.integers(-1, 4).map(float)))
)


@given(fronts)
def test_volume_above_and_volume_below_make_the_whole(Y: np.ndarray) -> None:
    m = Y.shape[1]
    ref, top = np.full(m, 0.5), np.full(m, 6.0)
    boxes = boxes_above(Y, ref)
    assert boxes.volume_below(top) == pytest.approx(5.5**m - hypervolume(Y, ref))


@given(fronts)
def test_every_place_is_in_exactly_one_box_or_reached(Y: np.ndarray) -> None:
    m = Y.shape[1]
    boxes = boxes_above(Y, np.full(m, 0.5))
    for y in np.random.default_rng(0).uniform(0.5, 6.0, (40, m)):
        inside = int(((boxes.lower <= y) & (boxes.upper > y)).all(axis=1).sum())
        assert inside == (0 if (y <= Y).all(axis=1).any() else 1)


def test_too_many_boxes_are_declined() -> None:
    Y = np.random.default_rng(0).random((40, 6))
    assert boxes_above(Y / np.linalg.norm(Y, axis=1, keepdims=True), np.zeros(6), limit=200) is None
