"""Several solutions: the best of each cluster of the best."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from objectives.clusters import best_of_clusters, centres


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 1000))
def test_as_many_as_wanted_come_best_first_and_the_best_is_among_them(n: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, values = rng.integers(0, 4, (n, 2)) / 3.0, rng.integers(0, 5, n).astype(float)
    found = best_of_clusters(points, values, count)
    assert len(found) == min(count, n)
    assert len(set(found.tolist())) == len(found)
    assert values[found[0]] == values.max()
    assert (np.diff(values[found]) <= 0).all()


def test_repeats_come_only_where_there_are_not_enough_others() -> None:
    points = np.array([[0.0], [0.0], [1.0], *[[v / 20] for v in range(5, 14)]])
    values = np.array([1.0, 1.0, 1.0, *[0.0] * 9])
    assert best_of_clusters(points, values, 2).tolist() == [0, 2]
    assert best_of_clusters(points[[0, 1, 1]], values[[0, 1, 1]], 3).tolist() == [0, 1, 2]


def test_centres_lie_far_apart() -> None:
    X = np.array([[0.0, 0.0], [0.1, 0.0], [1.0, 1.0], [0.9, 1.0], [0.0, 1.0]])
    assert centres(X, 3).tolist() == [0, 2, 4]
