"""Spaces keep their word: roads there and back, conditions and constraints against brute force, names in refusals."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.errors import SpaceError
from objectives.space import Beta, Categorical, Double, Grid, Int, LinearConstraint, Normal, SearchSpace

NESTED = SearchSpace(
    (
        Int("depth", 1, 3, conditions=(("kind", frozenset({"tree"})), ("mode", frozenset({"deep"})))),
        Categorical("mode", ("flat", "deep"), conditions=(("kind", frozenset({"tree", "net"})),)),
        Categorical("kind", ("tree", "net", "none")),
        Grid("size", (1.0, 10.0, 50.0), conditions=(("mode", frozenset({"flat"})),)),
    )
)
numbers = st.floats(0.0, 1.0)


def brute_force(space: SearchSpace) -> list[dict]:
    """Every combination of values, keeping what its conditions keep: slow and obvious."""
    found = []
    for values in product(*(_choices(p) for p in space.parameters)):
        everything = dict(zip((p.name for p in space.parameters), values, strict=True))
        kept = {k: v for k, v in everything.items() if _exists(space, k, everything)}
        if kept not in found:
            found.append(kept)
    return found


def _choices(p) -> list:
    return list(range(p.low, p.high + 1)) if isinstance(p, Int) else list(p.values)


def _exists(space: SearchSpace, name: str, everything: dict) -> bool:
    conditions = space.parameters[space.index[name]].conditions
    return all(everything[parent] in values and _exists(space, parent, everything) for parent, values in conditions)


def test_enumeration_size_and_decoding_agree_with_brute_force() -> None:
    expected = brute_force(NESTED)
    assert NESTED.size == len(expected)
    listed = NESTED.decode(NESTED.enumerate(1000))
    assert len(listed) == len(expected)
    assert all(a in expected for a in listed)


@given(st.lists(numbers, min_size=4, max_size=4))
def test_snapping_is_idempotent_and_survives_the_round_trip(u: list[float]) -> None:
    X = NESTED.snap(np.array([u]))
    np.testing.assert_array_equal(NESTED.snap(X), X)
    np.testing.assert_allclose(NESTED.encode(NESTED.decode(X)), X, atol=1e-12)


@given(st.lists(numbers, min_size=4, max_size=4))
def test_inactive_parameters_never_matter(u: list[float]) -> None:
    X = NESTED.snap(np.array([u]))
    active = NESTED.active(X)
    shaken = np.where(active, X, np.random.default_rng(0).random(X.shape))
    np.testing.assert_array_equal(NESTED.snap(shaken), X)


PARAMETERS = [
    Double("x", -3.0, 9.0),
    Double("x", 1e-6, 1e3, log=True),
    Double("x", 0.0, 4.0, prior=Normal(1.0, 0.5)),
    Double("x", 0.0, 4.0, prior=Beta(2.0, 5.0)),
    Int("x", -4, 11),
    Int("x", 1, 4096, log=True),
    Grid("x", (0.1, 0.2, 7.0)),
    Grid("x", (0.1, 1.0, 70.0), log=True),
    Categorical("x", ("a", "b", "c")),
]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=str)
@given(u=numbers)
def test_every_kind_stays_within_its_values(parameter, u: float) -> None:
    space = SearchSpace((parameter,))
    for X in (space.snap(np.array([[u]])), space.spread(np.array([[u]]))):
        value = space.decode(X)[0]["x"]
        if isinstance(parameter, (Grid, Categorical)):
            assert value in parameter.values
        else:
            assert parameter.low <= value <= parameter.high
        np.testing.assert_allclose(space.encode([{"x": value}]), X, atol=1e-9)


COUNTABLE = [p for p in PARAMETERS if math.isfinite(p.cardinality) and not (isinstance(p, Int) and p.log)]


@pytest.mark.parametrize("parameter", COUNTABLE, ids=str)
def test_discrete_draws_are_even(parameter) -> None:
    space = SearchSpace((parameter,))
    drawn = [a["x"] for a in space.decode(space.spread((np.arange(1200)[:, None] + 0.5) / 1200))]
    counts = [drawn.count(v) for v in set(drawn)]
    assert len(counts) == parameter.cardinality
    assert max(counts) - min(counts) <= 1


def test_a_normal_prior_puts_its_quantiles_where_they_belong() -> None:
    space = SearchSpace((Double("x", 0.0, 10.0, prior=Normal(4.0, 1.0)),))
    values = [a["x"] for a in space.decode(space.spread(np.array([[0.1587], [0.5], [0.8413]])))]
    np.testing.assert_allclose(values, [3.0, 4.0, 5.0], atol=1e-3)


def test_every_branch_of_a_tree_is_equally_likely() -> None:
    X = NESTED.spread(np.random.default_rng(0).random((3000, 4)))
    kinds = [a["kind"] for a in NESTED.decode(X)]
    assert all(abs(kinds.count(kind) - 1000) < 120 for kind in ("tree", "net", "none"))


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.floats(-6, 6))
def test_constraints_hold_exactly_where_the_sum_says_so(weights: list[float], threshold: float) -> None:
    space = SearchSpace(
        (Double("x", -2, 2), Int("k", 0, 5), Grid("g", (0.5, 1.0, 4.0))),
        (LinearConstraint(dict(zip("xkg", weights, strict=True)), threshold),),
    )
    X = space.spread(np.random.default_rng(0).random((50, 3)))
    sums = [sum(w * a[n] for n, w in zip("xkg", weights, strict=True)) for a in space.decode(X)]
    for valid, total in zip(space.valid(X), sums, strict=True):
        assert valid == (total >= threshold) or abs(total - threshold) < 1e-6


def test_constrained_finite_spaces_are_counted_exactly() -> None:
    space = SearchSpace((Int("a", 0, 9), Int("b", 0, 9)), (LinearConstraint({"a": -1.0, "b": -1.0}, -4.0),))
    assert space.size == sum(a + b <= 4 for a in range(10) for b in range(10))


def test_inactive_parameters_count_as_zero_in_constraints() -> None:
    space = SearchSpace(
        (
            Categorical("kind", ("a", "b")),
            Double("x", 1, 2, conditions=(("kind", frozenset({"a"})),)),
            Double("y", 0, 2),
        ),
        (LinearConstraint({"x": 1.0, "y": 1.0}, 1.0),),
    )
    X = space.encode([{"kind": "a", "x": 1.0, "y": 0.0}, {"kind": "b", "y": 0.9}, {"kind": "b", "y": 1.1}])
    assert space.valid(X).tolist() == [True, False, True]


def test_points_of_ones_own_are_clipped_to_the_cube() -> None:
    space = SearchSpace((Double("x", 0, 1), Int("k", 1, 3)))
    X = space.encode([{"x": 7.0, "k": -5}])
    assert ((X >= 0) & (X <= 1)).all()


def test_a_key_ignores_order_types_and_inactive_values() -> None:
    a = {"kind": "net", "mode": "flat", "size": 10}
    b = {"size": 10.0, "depth": 2, "mode": "flat", "kind": "net"}
    assert NESTED.key(a) == NESTED.key(b)
    assert NESTED.key(a) != NESTED.key({**a, "size": 1.0})


@pytest.mark.parametrize(
    ("make", "culprit"),
    [
        (lambda: Double("lr", 1.0, 1.0), "lr"),
        (lambda: Double("lr", 0.0, 1.0, log=True), "lr"),
        (lambda: Double("lr", 0.0, math.inf), "lr"),
        (lambda: Double("lr", 1.0, 2.0, log=True, prior=Beta(1, 1)), "lr"),
        (lambda: Double("lr", 1.0, 2.0, prior=Normal(1, 0)), "lr"),
        (lambda: Int("n", 0.5, 3), "n"),
        (lambda: Grid("g", (1.0, 1.0)), "g"),
        (lambda: Categorical("c", ("a", "a")), "c"),
        (lambda: SearchSpace((Int("n", 1, 2), Int("n", 1, 2))), "n"),
        (lambda: SearchSpace((Int("n", 1, 2, conditions=(("m", frozenset({"a"})),)),)), "n"),
        (lambda: SearchSpace((Int("n", 1, 2),), (LinearConstraint({"m": 1.0}, 0.0),)), "m"),
        (lambda: SearchSpace((Categorical("c", ("a", "b")),), (LinearConstraint({"c": 1.0}, 0.0),)), "c"),
        (
            lambda: SearchSpace(
                (
                    Categorical("a", ("u", "v"), conditions=(("b", frozenset({"u"})),)),
                    Categorical("b", ("u", "v"), conditions=(("a", frozenset({"u"})),)),
                )
            ),
            "a",
        ),
        (lambda: NESTED.encode([{"kind": "bush"}]), "kind"),
        (lambda: NESTED.encode([{"kind": "tree"}]), "mode"),
        (lambda: NESTED.encode([{"kind": "tree", "mode": "flat", "size": "big"}]), "size"),
        (lambda: NESTED.encode([{"kind": "tree", "mode": "flat", "size": math.nan}]), "size"),
        (lambda: NESTED.encode([{"kind": "tree", "mode": "flat", "size": True}]), "size"),
    ],
)
def test_refusals_name_the_parameter(make, culprit: str) -> None:
    with pytest.raises(SpaceError) as caught:
        make()
    assert caught.value.facts["parameter"] == culprit
    assert repr(culprit) in str(caught.value)


@given(st.integers(0, 10_000))
def test_plain_numbers_have_the_coordinates_that_others_have(seed: int) -> None:
    """Floats and ints of Python are read at once, numpy's numbers one by one."""
    parameters = (Double("a", -1.0, 3.0), Int("b", 1, 40, log=True), Grid("c", (1.0, 2.0, 8.0), log=True))
    space = SearchSpace(parameters)
    plain = space.decode(space.spread(np.random.default_rng(seed).random((5, 3))))
    plain[0]["a"], plain[1]["b"] = 7.0, 0
    others = [{name: np.float64(value) for name, value in a.items()} for a in plain]
    np.testing.assert_array_equal(space.encode(plain), space.encode(others))
