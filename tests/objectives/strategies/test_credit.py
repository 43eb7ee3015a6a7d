"""What is earned: laws of the share, a slow twin of the witness, and nothing but the data behind it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.gp import GP
from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import fit
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace
from objectives.strategies import State
from objectives.strategies.credit import MOST, foretold, share_of_small_steps
from objectives.strategies.ehvi import Outlook

fits = st.floats(-1.0, 1.0)


def moment(
    seed: int, *, order: tuple[int, ...] = (0, 1, 2), scale: float = 1.0, noise: float = 0.0, shuffled: bool = False
) -> Outlook:
    """After 30 results of one metric of three parameters, in this order; the metric times `scale` plus 5."""
    rng = np.random.default_rng(seed)
    X = rng.random((30, 3))
    y = -((X - 0.43) ** 2 * [1.0, 3.0, 0.5]).sum(axis=1) + 0.05 * np.cos(20 * X[:, 0]) + noise * rng.normal(size=30)
    rows = rng.permutation(30) if shuffled else np.arange(30)
    space = SearchSpace(tuple(Double(f"x{k}", 0, 1) for k in range(3)))
    problem = Problem(space, (Metric("y", "maximize" if scale > 0 else "minimize"),))
    data = Data(space.decode(X[rows][:, order]), (scale * y[rows] + 5.0)[:, None])
    models = fit(problem, data, rng=np.random.default_rng(0))
    front = observed_front(problem, data)
    return Outlook(State(problem, data, front, models, np.empty((0, 3)), frozenset(), 30, 0, 60))


@given(fits, fits)
def test_a_better_fit_never_takes_turns_from_small_steps(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0.0 <= share_of_small_steps(low) <= share_of_small_steps(high) <= MOST


def test_a_model_that_foretells_nothing_gives_small_steps_nothing() -> None:
    assert share_of_small_steps(-0.5) == share_of_small_steps(0.0) == 0.0
    assert share_of_small_steps(1.0) == MOST


@pytest.mark.parametrize("seed", range(3))
def test_the_fit_is_what_leaving_each_row_out_gives(seed: int) -> None:
    outlook = moment(seed)
    gp = outlook.gps[0]
    assert isinstance(gp, GP)
    K = gp.correlate(gp.sample.Z) + np.diag(gp.sample.noise(gp.theta))
    errors = []
    for i in range(len(gp)):
        others = np.arange(len(gp)) != i
        errors.append(gp.y[i] - K[i, others] @ np.linalg.solve(K[others][:, others], gp.y[others]))
    r2 = 1.0 - np.square(errors).sum() / np.square(gp.y - gp.y.mean()).sum()
    assert foretold(outlook) == pytest.approx(r2, abs=1e-4)


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("scale", [1.0, 300.0, -0.02])
def test_the_order_of_parameters_and_the_unit_of_the_metric_change_nothing(
    order: tuple[int, ...], scale: float
) -> None:
    assert foretold(moment(0, order=order, scale=scale)) == pytest.approx(foretold(moment(0)), abs=2e-3)


def test_the_order_of_results_changes_nothing() -> None:
    assert foretold(moment(0, shuffled=True)) == pytest.approx(foretold(moment(0)), abs=2e-3)


def test_noise_is_not_foretold_and_a_smooth_function_is() -> None:
    assert foretold(moment(1, noise=5.0)) < 0.3
    assert foretold(moment(1)) > 0.8


def test_the_same_data_give_the_same_credit() -> None:
    assert foretold(moment(1)) == foretold(moment(1))


def test_open_points_are_no_witnesses() -> None:
    outlook = moment(2)
    state = outlook.state
    assert state.models is not None
    X = np.random.default_rng(0).random((6, 3))
    models = state.models.believe(X)
    waiting = State(state.problem, state.data, state.front, models, X, frozenset(), state.turn + 6, 0, 60)
    assert foretold(Outlook(waiting)) == foretold(outlook)
