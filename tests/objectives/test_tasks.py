"""Cheap tasks are evidence about the real one, and only that: what they may and may not change."""

from __future__ import annotations

import numpy as np
import pytest

from objectives.choice import told
from objectives.errors import DataError
from objectives.hypervolume import observed_front
from objectives.metrics import Metric
from objectives.optimizer import Optimizer, fit
from objectives.problem import Data, Problem
from objectives.space import Double, SearchSpace
from objectives.tasks import Task, design_weights, spread_choice

TASKS = (Task("full", 1.0), Task("tenth", 0.1))
SPACE = SearchSpace((Double("x", 0, 1), Double("y", 0, 1)))
ONE = Problem(SPACE, (Metric("score"),), TASKS)


def score(assignments: dict, task: str | None) -> float:
    """The tenth sees the same hill at half the height, a little to the side, far below."""
    shift, scale, offset = (0.0, 1.0, 0.0) if task == "full" else (0.02, 0.5, -3.0)
    x, y = assignments["x"] - 0.7 + shift, assignments["y"] - 0.2
    return offset + scale * float(np.exp(-8 * (x * x + y * y)))


def some(count: int, cost: float, seed: int) -> tuple[list[dict], np.ndarray, np.ndarray]:
    points = SPACE.decode(np.random.default_rng(seed).random((count, 2)))
    task = "full" if cost == 1.0 else "tenth"
    return points, np.array([[score(a, task)] for a in points]), np.full(count, cost)


def mixed(cheap: int, real: int) -> Data:
    parts = [some(cheap, 0.1, 1), some(real, 1.0, 2)]
    assignments = [a for points, _, _ in parts for a in points]
    return Data(assignments, np.vstack([v for _, v, _ in parts]), costs=np.concatenate([c for _, _, c in parts]))


@pytest.mark.parametrize(
    "tasks",
    [
        (Task("a", 1.0),),
        (Task("a", 1.0), Task("a", 0.1)),
        (Task("a", 0.5), Task("b", 0.1)),
        (Task("a", 1.0), Task("b", 1.0)),
    ],
)
def test_tasks_that_cannot_be_told_apart_or_lack_the_real_one_are_refused(tasks: tuple[Task, ...]) -> None:
    with pytest.raises(DataError):
        Problem(SPACE, (Metric("score"),), tasks)


def test_only_the_real_task_counts_for_the_front() -> None:
    data = Data([{"x": 0.1, "y": 0.1}, {"x": 0.2, "y": 0.2}], np.array([[9.0], [1.0]]), costs=np.array([0.1, 1.0]))
    front = observed_front(ONE, data)
    assert front.indices == (1,)
    assert front.feasible_count == 1


def test_cheap_results_teach_what_the_real_ones_would_be() -> None:
    where = SPACE.decode(np.random.default_rng(5).random((200, 2)))
    truth = np.array([score(a, "full") for a in where])

    def error(data: Data) -> float:
        mean = fit(ONE, data, rng=np.random.default_rng(0)).predict(where)[0][:, 0]
        return float(np.sqrt(np.mean((mean - truth) ** 2)))

    few = some(5, 1.0, 2)
    assert error(mixed(30, 5)) < 0.5 * error(Data(few[0], few[1]))


def test_what_a_task_tells_grows_with_its_cost_and_shrinks_with_what_is_known() -> None:
    models = fit(ONE, mixed(30, 8), rng=np.random.default_rng(0))
    cheap, real = told(models, np.array([0.5, 0.95]), np.array([0.1, 1.0]))
    assert 0.0 < cheap <= real <= 1.0


def test_in_the_design_tasks_come_as_often_as_their_weight_and_the_real_one_first() -> None:
    weights = design_weights(TASKS)
    drawn = [spread_choice(TASKS, weights, turn).name for turn in range(200)]
    assert drawn[0] == "full"
    assert drawn.count("full") == pytest.approx(200 * weights[0], abs=3)


def test_with_tasks_the_same_budget_goes_further() -> None:
    def best(problem: Problem, seed: int) -> float:
        optimizer, spent = Optimizer(problem, seed=seed), 0.0
        while spent < 8.0:
            (candidate,) = optimizer.propose()
            task = candidate.task or "full"
            spent += {"full": 1.0, "tenth": 0.1}[task]
            optimizer.tell(candidate.assignments, {"score": score(candidate.assignments, task)}, task=candidate.task)
        return float(optimizer.front.values[0, 0])

    plain = Problem(SPACE, (Metric("score"),))
    assert np.mean([best(ONE, s) for s in range(2)]) > np.mean([best(plain, s) for s in range(2)])


def test_a_configuration_known_from_a_cheap_task_may_be_tried_at_the_real_one() -> None:
    space = SearchSpace((Double("x", 0, 1),))
    optimizer = Optimizer(Problem(space, (Metric("a"), Metric("b", "minimize")), TASKS), seed=3)
    tasks = []
    for _ in range(24):
        (candidate,) = optimizer.propose()
        tasks.append(candidate.task)
        x = candidate.assignments["x"]
        optimizer.tell(candidate.assignments, {"a": x, "b": x * x}, task=candidate.task)
    assert set(tasks) == {"full", "tenth"}
    assert optimizer.front.values.shape[1] == 2
