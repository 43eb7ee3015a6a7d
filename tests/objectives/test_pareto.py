"""Dominance against the definition, written out slowly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from objectives.errors import DataError
from objectives.pareto import crowding, hypervolume, nondominated, ranks, violation_order

tables = st.integers(1, 4).flatmap(
    lambda m: st.integers(1, 14).flatmap(lambda n: arrays(np.float64, (n, m), elements=st.integers(0, 5).map(float)))
)


def slow_nondominated(Y: np.ndarray) -> list[bool]:
    return [not any((z >= y).all() and (z > y).any() for z in Y) for y in Y]


@given(tables)
def test_the_front_is_what_the_definition_says(Y: np.ndarray) -> None:
    assert nondominated(Y).tolist() == slow_nondominated(Y)


@given(tables)
def test_ranks_peel_fronts_one_by_one(Y: np.ndarray) -> None:
    rank = ranks(Y)
    left = np.ones(len(Y), dtype=bool)
    for r in range(rank.max() + 1):
        expected = np.zeros(len(Y), dtype=bool)
        expected[np.flatnonzero(left)[nondominated(Y[left])]] = True
        assert ((rank == r) == expected).all()
        left &= ~expected
    assert not left.any()


@given(tables, st.randoms())
def test_order_of_rows_does_not_matter(Y: np.ndarray, random) -> None:
    order = list(range(len(Y)))
    random.shuffle(order)
    assert (nondominated(Y[order]) == nondominated(Y)[order]).all()
    ref = np.full(Y.shape[1], -1.0)
    assert hypervolume(Y[order], ref) == pytest.approx(hypervolume(Y, ref))


@given(tables)
def test_dominated_rows_add_no_hypervolume(Y: np.ndarray) -> None:
    ref = np.full(Y.shape[1], -1.0)
    assert hypervolume(Y[nondominated(Y)], ref) == pytest.approx(hypervolume(Y, ref))
    assert hypervolume(np.vstack([Y, Y.min(axis=0) - 0.5]), ref) == pytest.approx(hypervolume(Y, ref))


@given(tables)
def test_hypervolume_never_falls_and_counts_cells(Y: np.ndarray) -> None:
    m, ref = Y.shape[1], np.zeros(Y.shape[1])
    cells = np.stack(np.meshgrid(*[np.arange(5) + 0.5] * m, indexing="ij"), axis=-1).reshape(-1, m)
    grown = 0.0
    for i in range(1, len(Y) + 1):
        counted = int((cells[:, None, :] < Y[None, :i]).all(axis=2).any(axis=1).sum())
        assert hypervolume(Y[:i], ref) == pytest.approx(counted)
        assert counted >= grown
        grown = counted


def test_a_missing_value_is_refused() -> None:
    for function in (nondominated, ranks, lambda Y: hypervolume(Y, np.zeros(2))):
        with pytest.raises(DataError, match="NaN"):
            function(np.array([[1.0, np.nan], [0.0, 1.0]]))


def test_ends_are_never_crowded() -> None:
    distance = crowding(np.array([[0.0, 3.0], [1.0, 2.0], [1.1, 1.9], [3.0, 0.0]]))
    assert np.isinf(distance[[0, 3]]).all()
    assert distance[1] < np.inf


@given(tables, st.integers(0, 99))
def test_crowding_of_many_fronts_is_that_of_each(Y: np.ndarray, seed: int) -> None:
    front = np.random.default_rng(seed).integers(3, size=len(Y))
    together = crowding(Y, front)
    for which in np.unique(front):
        np.testing.assert_array_equal(np.sort(together[front == which]), np.sort(crowding(Y[front == which])))


def test_less_violation_comes_before_everything() -> None:
    Y = np.array([[9.0, 9.0], [1.0, 1.0], [2.0, 2.0]])
    assert violation_order(Y, np.array([1.0, 0.0, 0.0])).tolist() == [2, 1, 0]
