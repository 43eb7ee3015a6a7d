"""Inferred reference points: below the front, deaf to useless points, and never collapsed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from objectives.pareto import nondominated
from objectives.reference import design_scale, tight_point, trade_off_filter, wide_point

seeds = st.integers(0, 1000)


def sphere(seed: int, m: int, n: int = 60) -> np.ndarray:
    Y = np.abs(np.random.default_rng(seed).normal(size=(n, m)))
    return -(1.0 - Y / np.linalg.norm(Y, axis=1, keepdims=True))


@given(seeds, st.integers(2, 4))
def test_the_filter_keeps_a_part_of_the_front(seed: int, m: int) -> None:
    Y = np.random.default_rng(seed).normal(size=(40, m))
    kept = trade_off_filter(Y, design_scale(Y))
    assert kept.any()
    assert nondominated(Y)[kept].all()


@given(seeds)
def test_points_that_give_all_for_nothing_do_not_move_the_tight_point(seed: int) -> None:
    Y, design = sphere(seed, 4), sphere(seed + 1, 4) * 1.5
    resistant = np.vstack([Y, [[-9.0, 0.001, 0.0, 0.0], [0.001, -9.0, 0.0, 0.0]]])
    assert (tight_point(resistant, design) > -3.0).all()
    assert wide_point(resistant).min() < -9.0


@given(seeds, st.integers(2, 4))
def test_no_collapse_on_a_front_of_one_point(seed: int, m: int) -> None:
    design = np.random.default_rng(seed).normal(size=(12, m))
    point = tight_point(np.full((1, m), 3.0), design)
    assert (point <= np.median(design, axis=0)).all()


@given(seeds, st.integers(2, 4))
def test_units_move_the_points_with_them(seed: int, m: int) -> None:
    Y, design = sphere(seed, m), sphere(seed + 1, m) * 1.5
    scale, shift = np.linspace(0.1, 30, m), np.linspace(-5, 5, m)
    for rule in (tight_point, lambda a, _: wide_point(a)):
        np.testing.assert_allclose(rule(Y * scale + shift, design * scale + shift), rule(Y, design) * scale + shift)


def test_a_constant_objective_has_a_scale_all_the_same() -> None:
    assert (design_scale(np.column_stack([np.ones(9), np.arange(9.0)])) > 0).all()
