"""The best of every kind of experiment, looked up when results are stored: no worker runs unless it is called."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.api.conftest import Api

PATH = "/v1/experiments"
ABC = [
    {"name": "a", "type": "int", "bounds": {"min": 1, "max": 50}},
    {"name": "b", "type": "double", "bounds": {"min": -50, "max": 0}},
    {"name": "c", "type": "categorical", "categorical_values": ["d", "e"]},
]
AT = {"a": 1, "b": 0, "c": "d"}


@pytest.fixture(scope="module")
def api(shared_api: Api) -> Api:
    """One for all; that observations are read alike by both databases is tested where they are listed."""
    return shared_api


def make(api: Api, metrics: list[Any], **more: Any) -> str:
    return api.experiment(parameters=ABC, metrics=metrics, observation_budget=30, **more)


def tell(api: Api, experiment: str, *values: dict[str, float] | None, at: dict[str, Any] = AT, **more: Any) -> None:
    observations = [
        {
            "assignments": at,
            **({"failed": True} if one is None else {"values": [{"name": n, "value": v} for n, v in one.items()]}),
            **more,
        }
        for one in values
    ]
    reply = api.post(f"{PATH}/{experiment}/observations/batch", {"observations": observations})
    assert reply.status_code == 200, reply.text


def best(api: Api, experiment: str) -> list[dict[str, Any]]:
    reply = api.get(f"{PATH}/{experiment}/best_assignments")
    assert reply.status_code == 200, reply.text
    assert reply.json["count"] == len(reply.json["data"])
    return list(reply.json["data"])


def values(item: dict[str, Any]) -> dict[str, float]:
    return {value["name"]: value["value"] for value in item["values"]}


def test_one_metric_has_one_best_observation_and_failures_none(api: Api) -> None:
    experiment = make(api, [{"name": "loss", "objective": "minimize"}, {"name": "note", "strategy": "store"}])
    assert best(api, experiment) == []
    tell(api, experiment, None)
    assert best(api, experiment) == []
    tell(api, experiment, {"loss": 2.0, "note": 0.0}, {"loss": 1.0, "note": 9.0}, {"loss": 3.0, "note": 0.0})
    (found,) = best(api, experiment)
    assert values(found) == {"loss": 1.0, "note": 9.0}
    assert found["assignments"] == AT
    api.call("DELETE", f"{PATH}/{experiment}/observations/{found['id']}")
    assert values(best(api, experiment)[0])["loss"] == 2.0
    api.call("DELETE", f"{PATH}/{experiment}/observations")
    assert best(api, experiment) == []


def test_a_best_observation_meets_every_threshold(api: Api) -> None:
    experiment = make(
        api, ["gain", {"name": "heat", "objective": "minimize", "strategy": "constraint", "threshold": 5}]
    )
    tell(api, experiment, {"gain": 9.0, "heat": 6.0})
    assert best(api, experiment) == []
    tell(api, experiment, {"gain": 2.0, "heat": 5.0}, {"gain": 1.0, "heat": 1.0})
    assert [values(item)["gain"] for item in best(api, experiment)] == [2.0]


def test_of_several_metrics_all_that_nothing_beats_come_even_from_one_configuration(api: Api) -> None:
    experiment = make(api, [{"name": "a-note", "strategy": "store"}, "one", "two"])
    rows = [(1, 5, 0), (3, 0, 4), (10, 0, 0), (4, 5, 0)]
    tell(api, experiment, *({"a-note": a, "one": b, "two": c} for a, b, c in rows))
    assert [values(item)["a-note"] for item in best(api, experiment)] == [1, 4, 3]


def test_a_search_has_everything_that_meets_its_thresholds(api: Api) -> None:
    limits = [{"name": f"c{i}", "strategy": "constraint", "threshold": i} for i in (1, 2)]
    experiment = make(api, limits)
    tell(api, experiment, *({"c1": v, "c2": v} for v in range(6)))
    assert [values(item)["c1"] for item in best(api, experiment)] == [2, 3, 4, 5]
    api.work(experiment)
    front = api.get(f"{PATH}/{experiment}/front").json
    assert (front["feasible_count"], front["infeasible_count"], front["ref_point"]) == (1, 0, {})


def test_several_solutions_are_the_best_of_clusters_best_first(api: Api) -> None:
    experiment = make(api, ["profit"], num_solutions=2)
    far = {"a": -50, "b": 50, "c": "e"}
    tell(api, experiment, {"profit": 1.0}, {"profit": 1.0})
    tell(api, experiment, {"profit": 2.0}, at=far)
    for a in range(9):
        tell(api, experiment, {"profit": -1.0}, at={"a": a + 2, "b": -a, "c": "d"})
    found = best(api, experiment)
    assert [item["assignments"] for item in found] == [far, AT]
    assert [values(item)["profit"] for item in found] == [2.0, 1.0]


def test_only_the_task_in_earnest_can_be_best(api: Api) -> None:
    tasks = [{"name": "cheap", "cost": 0.1}, {"name": "earnest", "cost": 1}]
    experiment = make(api, ["profit", {"name": "risk", "objective": "minimize"}], tasks=tasks)
    suggestion = api.post(f"{PATH}/{experiment}/suggestions").json
    assert suggestion["task"]["name"] in {"cheap", "earnest"}
    tell(api, experiment, {"profit": 9.0, "risk": 0.0}, task="cheap")
    assert best(api, experiment) == []
    tell(api, experiment, {"profit": 1.0, "risk": 1.0}, task="earnest")
    api.work(experiment)
    (found,) = best(api, experiment)
    assert (found["task"], values(found)) == ("earnest", {"profit": 1.0, "risk": 1.0})
    front = api.get(f"{PATH}/{experiment}/front").json
    assert [point["id"] for point in front["points"]] != []
    assert front["feasible_count"] == 1


def test_composites_are_computed_from_what_was_reported_and_never_reported(api: Api) -> None:
    metrics = [
        {"name": "cost", "strategy": "store"},
        {"name": "sold", "strategy": "store"},
        {"name": "profit", "expression": "3 * sold - cost"},
        {"name": "risk", "objective": "minimize"},
    ]
    experiment = make(api, metrics)
    body = {"assignments": AT, "values": [{"name": "profit", "value": 1.0}]}
    refused = api.post(f"{PATH}/{experiment}/observations", body)
    assert refused.status_code == 400
    assert "computed from others" in refused.json["message"]
    tell(api, experiment, {"cost": 2.0, "sold": 4.0, "risk": 1.0}, {"cost": 9.0, "sold": 4.0, "risk": 1.0})
    (found,) = best(api, experiment)
    assert values(found) == {"cost": 2.0, "profit": 10.0, "risk": 1.0, "sold": 4.0}
    api.work(experiment)
    (point,) = api.get(f"{PATH}/{experiment}/front").json["points"]
    assert values(point)["profit"] == pytest.approx(3 * 4.0 - 5.5)
    alone = make(
        api, ["sold", {"name": "cost", "strategy": "store"}, {**metrics[2], "strategy": "constraint", "threshold": 5}]
    )
    tell(api, alone, {"cost": 9.0, "sold": 4.0}, {"cost": 0.0, "sold": 2.0})
    progress = api.get(f"{PATH}/{alone}").json["progress"]
    assert progress["best_observation"]["values"][1]["value"] == 2.0
    page = api.get(f"/experiments/{experiment}/report")
    assert page.status_code == 200
    assert "profit 6.5" in page.text


@pytest.mark.parametrize("expression", ["3 * sold -", "3 * nothing", "open('x')", "profit + sold"])
def test_an_expression_that_cannot_be_computed_is_refused(api: Api, expression: str) -> None:
    body = {
        "name": "x",
        "parameters": ABC,
        "metrics": ["sold", {"name": "profit", "expression": expression}],
        "observation_budget": 9,
    }
    reply = api.post(PATH, body)
    assert reply.status_code == 400
    assert ".metrics" in reply.text


def test_parts_of_one_result_count_as_one(api: Api) -> None:
    experiment = make(api, ["one", "two"])
    tell(api, experiment, {"one": 1.0}, partial=True)
    assert best(api, experiment) == []
    tell(api, experiment, {"two": 2.0}, partial=True)
    assert [values(item) for item in best(api, experiment)] == [{"one": 1.0, "two": 2.0}]
    api.work(experiment)
    (point,) = api.get(f"{PATH}/{experiment}/front").json["points"]
    assert values(point) == {"one": 1.0, "two": 2.0}
