"""Noisy expected improvement against its plain form, a slow sampled twin, and what measuring again can bring."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from objectives import gp as gps
from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import fit, suggest
from objectives.pareto import hypervolume
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace
from objectives.strategies import State
from objectives.strategies.ehvi import Outlook
from objectives.strategies.noisy_ehvi import NoisyOutlook

SPACE = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))


def moment(m: int, noise: float, *, n: int = 20, known: bool = False) -> State:
    """After n results of m metrics that pull against each other, each off by `noise`; none pending."""
    problem = Problem(SPACE, tuple(Metric(f"f{j}", threshold=-1.2 if m > 1 else None) for j in range(m)))
    rng = np.random.default_rng(m)
    X = rng.random((n, 2))
    centres = np.array([[0.2, 0.3], [0.8, 0.6], [0.3, 0.9]])[:m]
    Y = -((X[:, None, :] - centres) ** 2).sum(axis=2) + noise * rng.normal(size=(n, m))
    data = Data(SPACE.decode(X), Y, variances=np.full_like(Y, noise**2) if known else np.empty(0))
    models = fit(problem, data, rng=np.random.default_rng(0))
    return State(problem, data, observed_front(problem, data), models, np.empty((0, 2)), frozenset(), n, 0, 60)


def candidates(count: int) -> np.ndarray:
    return np.random.default_rng(5).random((count, 2))


@pytest.mark.parametrize("m", [1, 2, 3])
def test_without_noise_it_is_log_ehvi(m: int) -> None:
    state, X, dice = moment(m, 0.0), candidates(30), np.random.default_rng(0)
    np.testing.assert_array_equal(NoisyOutlook(state).gain(dice)(X), Outlook(state).gain(dice)(X))


@pytest.mark.parametrize("m", [1, 2])
def test_as_the_noise_vanishes_it_becomes_log_ehvi(m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    state, X, dice = moment(m, 1e-5, known=True), candidates(30), np.random.default_rng(0)
    plain = Outlook(state).gain(dice)(X)
    monkeypatch.setattr(gps, "NOISY", 0.0)
    worth = plain > np.log(1e-6)
    np.testing.assert_allclose(NoisyOutlook(state).gain(dice)(X)[worth], plain[worth], atol=0.1)


@pytest.mark.parametrize("m", [1, 2])
def test_it_is_the_mean_gain_over_joint_draws_of_candidate_and_front(m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    state, X = moment(m, 0.15), candidates(4)
    outlook = NoisyOutlook(state)
    assert all(gp.noisy for gp in outlook.gps)
    monkeypatch.setattr(sys.modules[NoisyOutlook.__module__], "DRAWS", 300)
    value = np.exp(outlook.gain(np.random.default_rng(0))(X))
    Z = state.models.features(np.vstack([state.observed, X]))
    rng = np.random.default_rng(1)
    draws = np.stack([gp.draws(Z, 2000, rng) for gp in outlook.gps], axis=2)
    ref_point = outlook.ref_point if m > 1 else np.array([-50.0])
    for i in range(len(X)):
        gains = []
        for Y in draws:
            seen = Y[:20]
            gains.append(hypervolume(np.vstack([seen, Y[20 + i]]), ref_point) - hypervolume(seen, ref_point))
        error = np.std(gains) / np.sqrt(300)
        assert abs(np.mean(gains) - value[i]) < 4 * error + 1e-3


@pytest.mark.parametrize("m", [1, 2])
def test_a_measured_contender_is_worth_nothing_more(m: int) -> None:
    state = moment(m, 0.15)
    outlook = NoisyOutlook(state)
    again, plain = outlook.gain(np.random.default_rng(0)), Outlook(state).gain(np.random.default_rng(0))
    X, _ = outlook.contenders
    elsewhere = again(candidates(200)).max()
    assert (again(X) < elsewhere - 2.0).all()
    assert (again(X) < plain(X)).all()


def test_the_same_dice_give_the_same_point() -> None:
    state = moment(2, 0.15)
    assert state.models is not None
    found = [
        suggest(
            state.problem, state.data, state.front, state.models, count=2, rng=np.random.default_rng(3),
            strategy="noisy_ehvi",
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [c.assignments for c in found[0]] == [c.assignments for c in found[1]]
    assert found[0][0].strategy == "noisy_ehvi"
    assert found[0][0].assignments != found[0][1].assignments
