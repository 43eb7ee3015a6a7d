"""The table of `auto`: whom it asks when, that turns are shared as they were earned, and that it says why."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import fit
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace
from objectives.strategies import State
from objectives.strategies import auto as ask
from objectives.strategies.credit import foretold, share_of_small_steps
from objectives.strategies.ehvi import Outlook

SPACE = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))


def moment(
    m: int, *, n: int = 24, noise: float = 0.0, rugged: float = 0.0, turn: int = 24, together: float = 8.0
) -> State:
    """After n results of m metrics of two parameters, that are sums over these but for what they do `together`."""
    problem = Problem(SPACE, tuple(Metric(f"f{j}") for j in range(m)))
    rng = np.random.default_rng(3)
    X = rng.random((n, 2))
    centres = np.array([[0.2, 0.3], [0.8, 0.6]])[:m]
    Y = -((X[:, None, :] - centres) ** 2).sum(axis=2) + noise * rng.normal(size=(n, m))
    Y = Y + together * np.prod(X - 0.5, axis=1, keepdims=True) ** 2
    Y = Y + rugged * np.sin(90 * X.sum(axis=1, keepdims=True))
    data = Data(SPACE.decode(X), Y)
    models = fit(problem, data, rng=np.random.default_rng(0)) if n else None
    front = observed_front(problem, data)
    return State(problem, data, front, models, np.empty((0, 2)), frozenset(), turn, 0, 60)


def asked(state: State) -> str:
    return ask(state, np.random.default_rng(0)).strategy


def test_without_enough_results_the_design_goes_on() -> None:
    assert asked(moment(1, n=4)) == asked(moment(2, n=4)) == "quasi_random"


def test_several_metrics_are_traded_off_over_one_front_or_over_all_that_noise_allows() -> None:
    assert asked(moment(2)) == "log_ehvi"
    assert asked(moment(2, noise=0.15)) == "noisy_ehvi"


@pytest.mark.parametrize("rugged", [0.0, 1.0])
def test_a_single_metric_shares_its_turns_as_they_were_earned(rugged: float) -> None:
    states = [moment(1, rugged=rugged, turn=turn) for turn in range(24, 64)]
    names = [asked(state) for state in states]
    share = share_of_small_steps(foretold(Outlook(states[0])))
    assert set(names) <= {"ucb", "trust_region"}
    assert names.count("trust_region") / 40 == pytest.approx(share, abs=0.05)
    assert (share > 0.5) == (rugged == 0.0)


def test_where_every_parameter_has_its_own_part_improvement_takes_the_place_of_optimism() -> None:
    names = {asked(moment(1, turn=turn, together=0.0)) for turn in range(24, 40)}
    assert names == {"log_ehvi", "trust_region"}


@pytest.mark.parametrize("state", [moment(1), moment(2), moment(2, noise=0.15), moment(1, n=4)])
def test_it_says_in_one_sentence_why(state: State) -> None:
    reason = ask(state, np.random.default_rng(0)).reason
    assert "because" in reason
    assert reason.count(". ") == 0
    assert reason.endswith(".")


def test_the_same_moment_and_dice_give_the_same_point() -> None:
    first, second = (ask(moment(1), np.random.default_rng(5)) for _ in range(2))
    assert first.assignments == second.assignments
    assert first.reason == second.reason
