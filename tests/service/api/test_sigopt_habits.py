"""What SigOpt's server took, though nobody would write it on purpose, is taken here as well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.api.conftest import Api
from tests.support import BODY

COUNTS = {"observation_budget": 60.0, "parallel_bandwidth": 2.0, "num_solutions": 1.0}


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_may_be_written_with_a_point_where_nothing_follows(shared_api: Api, name: str) -> None:
    made = shared_api.get(f"/v1/experiments/{shared_api.experiment(**{name: COUNTS[name]})}")
    assert f'"{name}": {int(COUNTS[name])}' in made.text
    for wrong in (2.5, True, "2", 1e300):
        reply = shared_api.post("/v1/experiments", {**BODY, name: wrong})
        assert reply.status_code == 400
        assert f".{name}" in reply.json["message"]  # type: ignore[index]


def test_a_budget_may_change_to_one_with_a_point(shared_api: Api) -> None:
    path = f"/v1/experiments/{shared_api.experiment()}"
    assert shared_api.call("PUT", path, {"observation_budget": 20.0}).json["observation_budget"] == 20  # type: ignore[index]


def test_null_for_no_optimize_says_nothing(shared_api: Api) -> None:
    path = f"/v1/experiments/{shared_api.experiment()}"
    assert shared_api.call("PUT", path, {"no_optimize": None}).status_code == 200
    assert shared_api.call("PUT", path, {"no_optimize": 1}).status_code == 400


def test_a_queue_passes_over_keys_that_it_does_not_know_as_suggestions_do(shared_api: Api) -> None:
    body = {"assignments": {"x": 0.5, "y": 0.25}, "note": "mine"}
    for resource in ("suggestions", "queued_suggestions"):
        reply = shared_api.post(f"/v1/experiments/{shared_api.experiment()}/{resource}", body)
        assert reply.status_code == 200
        assert "mine" not in reply.text


PASSED_OVER: list[dict[str, Any]] = [{"precision": 3}, {"tunable": True}, {"precision": None, "tunable": None}]


@pytest.mark.parametrize("more", PASSED_OVER)
def test_what_the_client_knows_of_parameters_and_no_server_did_is_passed_over(
    shared_api: Api, more: dict[str, Any]
) -> None:
    parameters = [{**parameter, **more} for parameter in BODY["parameters"]]
    experiment = shared_api.experiment(parameters=parameters)
    changed = shared_api.call("PUT", f"/v1/experiments/{experiment}", {"parameters": parameters})
    assert changed.status_code == 200
    assert not {"precision", "tunable"} & changed.json["parameters"][0].keys()  # type: ignore[index]


def test_an_empty_transformation_is_none(shared_api: Api) -> None:
    parameters = [{**BODY["parameters"][0], "transformation": ""}]
    path = f"/v1/experiments/{shared_api.experiment(parameters=parameters)}"
    assert shared_api.get(path).json["parameters"][0]["transformation"] is None  # type: ignore[index]


def test_a_misspelt_key_of_a_parameter_is_refused_and_not_passed_over(shared_api: Api) -> None:
    parameters = [{**BODY["parameters"][0], "transfomation": "log"}]
    reply = shared_api.post("/v1/experiments", {**BODY, "parameters": parameters})
    assert reply.status_code == 400
    assert "Unknown json keys `transfomation`" in reply.json["message"]  # type: ignore[index]


def test_a_search_is_for_what_stands_between_the_spaces(shared_api: Api) -> None:
    shared_api.experiment(name="needle in hay")
    found = shared_api.get("/v1/experiments", query_string={"search": "  NEEDLE "}).json
    assert found is not None
    assert [item["name"] for item in found["data"]] == ["needle in hay"]


@pytest.mark.parametrize("resource", ["", "/E/observations"])
def test_an_empty_sort_is_the_usual_one(shared_api: Api, resource: str) -> None:
    path = f"/v1/experiments{resource.replace('E', shared_api.experiment())}"
    assert shared_api.get(path, query_string={"sort": ""}).json == shared_api.get(path).json


def test_a_marker_may_be_padded(shared_api: Api) -> None:
    for _ in range(2):
        shared_api.experiment()
    marker = shared_api.get("/v1/experiments?limit=1").json["paging"]["before"]  # type: ignore[index]
    padded = marker + "=" * (-len(marker) % 4)
    assert len(padded) > len(marker)
    pages = [shared_api.get("/v1/experiments", query_string={"before": text}).json for text in (marker, padded)]
    assert pages[0] == pages[1]
    assert pages[0]["data"]  # type: ignore[index]
    assert shared_api.get("/v1/experiments", query_string={"before": f"={marker}"}).status_code == 400


@pytest.mark.parametrize("value", [1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308])
def test_a_value_may_be_the_largest_and_the_smallest_that_a_double_holds(shared_api: Api, value: float) -> None:
    experiment = shared_api.experiment(metrics=["a"])
    assert shared_api.observe(experiment, 0.5, 0.5, a=value).json["values"][0]["value"] == value  # type: ignore[index]


def test_an_experiment_of_sigopts_xgboost_begins_where_its_parameters_usually_lie(shared_api: Api) -> None:
    ends = {"max_delta_step": 2000, "min_child_weight": 1000}
    parameters = [
        {"name": name, "type": "double", "bounds": {"min": 0.1, "max": largest}} for name, largest in ends.items()
    ]
    path = f"/v1/experiments/{shared_api.experiment(parameters=parameters, metadata={'_IS_XGB_EXPERIMENT': 'True'})}"
    made = shared_api.get(path).json
    assert made is not None
    assert [parameter["prior"]["name"] for parameter in made["parameters"]] == ["normal", "normal"]
    begun = [shared_api.post(f"{path}/suggestions").json["assignments"] for _ in range(4)]  # type: ignore[index]
    assert all(one["max_delta_step"] < 11 and one["min_child_weight"] < 6 for one in begun)
    taken_away = [{"name": name, "prior": None} for name in ends]
    assert shared_api.call("PUT", path, {"parameters": taken_away}).json["parameters"][0]["prior"] is None  # type: ignore[index]
