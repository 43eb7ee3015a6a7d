"""When to stop, what is against best practice, and what is worth doing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.models import ModelState, Refresh
from tests.service.api.conftest import Api

#: Where the kind of database does not matter.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LINE = [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 100}}]
ONE: dict[str, Any] = {"parameters": LINE, "metrics": None}


def told(api: Api, experiment: str, what: str) -> Any:
    reply = api.get(f"/v1/experiments/{experiment}/{what}")
    assert reply.status_code == 200, reply.text
    return reply.json


def reasons(api: Api, experiment: str) -> list[str]:
    said = told(api, experiment, "stopping_criteria")
    assert said["should_stop"] == bool(said["reasons"])
    return list(said["reasons"])


def codes(api: Api, experiment: str) -> list[str]:
    return [item["code"] for item in told(api, experiment, "advice")["items"]]


def tell(api: Api, experiment: str, *values: float | None, metrics: str = "") -> None:
    names = metrics.split() or [None]
    body = [
        {"assignments": {"x": number % 100}, "failed": True}
        if value is None
        else {
            "assignments": {"x": number % 100},
            "values": [{"name": name, "value": value if i == 0 else 1 - value} for i, name in enumerate(names)],
        }
        for number, value in enumerate(values)
    ]
    reply = api.post(f"/v1/experiments/{experiment}/observations/batch", {"observations": body})
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("sign", [1, -1], ids=["maximize", "minimize"])
def test_one_metric_stagnates_when_five_values_from_before_are_as_good_as_the_best_since(api: Api, sign: int) -> None:
    objective = "maximize" if sign > 0 else "minimize"
    experiment = api.experiment(**{**ONE, "metrics": [{"name": "m", "objective": objective}]})
    tell(api, experiment, *(sign * value for value in (0, 1, 2, 3, 4, -1, -1, -1, -1)), metrics="m")
    assert reasons(api, experiment) == []
    tell(api, experiment, None, metrics="m")
    assert reasons(api, experiment) == ["possible_stagnation"]
    tell(api, experiment, sign * 5, metrics="m")
    assert reasons(api, experiment) == []


@on_sqlite
def test_the_budget_is_reached_when_more_than_it_was_used(api: Api) -> None:
    experiment = api.experiment(**ONE, observation_budget=3)
    tell(api, experiment, 1, 2, 3)
    assert reasons(api, experiment) == []
    tell(api, experiment, 4)
    assert reasons(api, experiment) == ["observation_budget_reached"]


@on_sqlite
def test_cheap_tasks_use_up_their_share_of_the_budget(api: Api) -> None:
    tasks = [{"name": "cheap", "cost": 0.25}, {"name": "full", "cost": 1}]
    experiment = api.experiment(**ONE, observation_budget=1, tasks=tasks)
    for task in ("cheap", "cheap", "cheap", "cheap", "full"):
        assert reasons(api, experiment) == []
        body = {"assignments": {"x": 1}, "values": [{"value": 1}], "task": task}
        assert api.post(f"/v1/experiments/{experiment}/observations", body).status_code == 200
    assert reasons(api, experiment) == ["observation_budget_reached"]
    assert api.get(f"/v1/experiments/{experiment}").json["progress"]["observation_budget_consumed"] == 2  # type: ignore[index]


@on_sqlite
def test_several_metrics_stagnate_once_the_budget_is_used_and_nothing_new_is_on_the_front(api: Api) -> None:
    experiment = api.experiment(parameters=LINE, metrics=["f", "g"], observation_budget=12)
    tell(api, experiment, *range(10), metrics="f g")
    tell(api, experiment, 5, 5, metrics="f g")
    assert reasons(api, experiment) == [], "the budget is not used up"
    tell(api, experiment, 5, 5, None, metrics="f g")
    assert reasons(api, experiment) == ["possible_stagnation", "observation_budget_reached"]
    tell(api, experiment, 17, metrics="f g")
    assert reasons(api, experiment) == ["observation_budget_reached"]


@on_sqlite
def test_nobody_can_say_when_a_search_is_over(api: Api) -> None:
    experiment = api.experiment(parameters=LINE, metrics=[{"name": "f", "strategy": "constraint", "threshold": 1}])
    tell(api, experiment, *[0] * 30, metrics="f")
    assert reasons(api, experiment) == []


@on_sqlite
def test_a_new_experiment_has_no_violations_and_a_few_open_suggestions_too_many_are_one(api: Api) -> None:
    experiment = api.experiment(**ONE, observation_budget=1)
    assert "observation_budget 1 is too small" in told(api, experiment, "best_practices")["violations"][0]
    experiment = api.experiment(observation_budget=30)
    assert told(api, experiment, "best_practices") == {"object": "best_practices", "violations": []}
    for _ in range(3):
        api.post(f"/v1/experiments/{experiment}/suggestions")
    (violation,) = told(api, experiment, "best_practices")["violations"]
    assert "parallel_bandwidth" in violation
    for number in range(31):
        api.observe(experiment, number / 31, 0.5)
    violations = told(api, experiment, "best_practices")["violations"]
    assert [any(word in text for text in violations) for word in ("observation_budget", "no threshold")] == [True, True]


@on_sqlite
def test_missing_thresholds_are_named_with_what_they_would_bring(api: Api) -> None:
    (item,) = told(api, api.experiment(), "advice")["items"]
    assert (item["code"], item["severity"], item["field"]) == ("thresholds_missing", "info", "metrics")
    assert 0 < item["worth"]["low"] < item["worth"]["median"] < item["worth"]["high"] < 1
    assert codes(api, api.experiment(metrics=["a", {"name": "b", "threshold": 1}])) == []


@on_sqlite
def test_failing_trials_and_a_metric_that_never_moves_are_noticed(api: Api) -> None:
    experiment = api.experiment(**ONE)
    tell(api, experiment, 3, 3, 3, 3, 3)
    assert codes(api, experiment) == ["metric_constant"]
    tell(api, experiment, 4, None, None)
    assert codes(api, experiment) == ["failing_trials"]


@on_sqlite
def test_models_that_are_left_behind_are_noticed(api: Api) -> None:
    experiment = api.experiment(**ONE)
    tell(api, experiment, 1)
    assert codes(api, experiment) == []
    with api.database.write() as session:
        session.get_one(Refresh, int(experiment)).dirty_since = api.database.now(session) - timedelta(minutes=2)
    assert codes(api, experiment) == ["models_stale"]
    api.work(experiment)
    assert codes(api, experiment) == []


@on_sqlite
def test_what_the_models_learned_can_be_forgotten(api: Api) -> None:
    experiment = api.experiment(**ONE)
    tell(api, experiment, 1, 2, 3, 5, 4, 2)
    api.work(experiment)
    path = f"/v1/experiments/{experiment}/hyperparameters"
    assert api.call("DELETE", path).json == {}
    with api.database.read() as session:
        assert session.get(ModelState, int(experiment)) is None
    api.work(experiment)
    with api.database.read() as session:
        assert session.get(ModelState, int(experiment)) is not None
