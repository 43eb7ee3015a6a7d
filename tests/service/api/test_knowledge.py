"""What the models know is told over HTTP: importances, predictions, the option for given weights; never a guess."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.service.api.conftest import Api
from tests.support import BODY

PATH = "/v1/experiments"


@pytest.fixture(scope="module")
def api(shared_api: Api) -> Api:
    """One for all: what is asked here is read row by row, whatever the database."""
    return shared_api


def with_results(api: Api) -> str:
    """An experiment with twenty results that a worker has seen."""
    experiment = api.experiment()
    body = [
        {
            "assignments": {"x": float(x), "y": float(y)},
            "values": [{"name": "accuracy", "value": 1 - (x - 0.3) ** 2}, {"name": "latency_ms", "value": x + 0.1 * y}],
        }
        for x, y in np.random.default_rng(3).random((20, 2))
    ]
    assert api.post(f"{PATH}/{experiment}/observations/batch", {"observations": body}).status_code == 200
    api.work(experiment)
    return experiment


@pytest.fixture(scope="module")
def known(api: Api) -> str:
    """The experiment that is only looked at."""
    return with_results(api)


def told(reply: Any) -> Any:
    assert reply.status_code == 200, reply.text
    return reply.json


def test_without_results_nothing_is_claimed_to_be_known(api: Api) -> None:
    experiment = api.experiment()
    api.work(experiment)
    importances = api.get(f"{PATH}/{experiment}/metric_importances")
    assert importances.status_code == 422
    assert importances.json["message"] == "Not enough observations to calculate parameter importances."
    update = api.call("PUT", f"{PATH}/{experiment}/metric_importances", {})
    assert update.status_code == 422
    assert update.json["message"].startswith("Parameter importances update failed.")
    predictions = api.post(f"{PATH}/{experiment}/predictions", {"assignments": [{"x": 0.1, "y": 0.2}]})
    assert predictions.status_code == 422
    assert api.get(f"{PATH}/{experiment}/recommendation").status_code == 422


def test_the_only_parameter_is_all_that_matters_before_anything_was_measured(api: Api) -> None:
    limit, noted = {"name": "memory", "strategy": "constraint", "threshold": 1}, {"name": "hours", "strategy": "store"}
    experiment = api.experiment(parameters=BODY["parameters"][:1], metrics=["accuracy", limit, noted])
    page = told(api.get(f"{PATH}/{experiment}/metric_importances"))
    assert {item["metric"]: item["importances"] for item in page["data"]} == {"accuracy": {"x": 1}, "memory": {"x": 1}}


def test_importances_say_which_parameter_matters_and_sum_to_one(api: Api, known: str) -> None:
    page = told(api.get(f"{PATH}/{known}/metric_importances"))
    assert (page["object"], page["count"]) == ("pagination", 2)
    by_metric = {item["metric"]: item["importances"] for item in page["data"]}
    assert by_metric.keys() == {"accuracy", "latency_ms"}
    for shares in by_metric.values():
        assert sum(shares.values()) == pytest.approx(1.0)
    assert by_metric["accuracy"]["x"] > 0.9 > by_metric["accuracy"]["y"]


def test_importances_are_worked_out_anew_when_somebody_asks(api: Api) -> None:
    known = with_results(api)
    before = told(api.get(f"{PATH}/{known}/metric_importances"))["data"][0]
    api.observe(known, 0.9, 0.9, accuracy=0.0, latency_ms=0.1)
    api.work(known)
    assert told(api.get(f"{PATH}/{known}/metric_importances"))["data"][0] == before
    assert told(api.call("PUT", f"{PATH}/{known}/metric_importances", {})) == {}
    api.work(known)
    after = told(api.get(f"{PATH}/{known}/metric_importances"))["data"][0]
    assert after["data_generation"] > before["data_generation"]
    assert after["importances"] != before["importances"]


def test_predictions_come_from_the_stored_models(api: Api, known: str) -> None:
    reply = told(
        api.post(f"{PATH}/{known}/predictions", {"assignments": [{"x": 0.3, "y": 0.5}, {"x": 0.95, "y": 0.5}]})
    )
    assert reply["model_generation"] == reply["data_generation"]
    first, second = reply["data"]
    accuracy = {value["name"]: value for value in first["values"]}["accuracy"]
    assert accuracy["mean"] == pytest.approx(1.0, abs=0.02)
    assert 0 < accuracy["stddev"] < 0.1
    assert first["probability_feasible"] == 1.0
    assert second["probability_on_front"] < 0.1


def test_a_question_that_cannot_be_answered_is_refused_by_its_field(api: Api, known: str) -> None:
    point = {"x": 0.1, "y": 0.1}
    for assignments, field in (
        (None, ".assignments"),
        ([], ".assignments"),
        ([{"x": 0.1}], ".assignments[0].y"),
        ([point, {"x": 0.1, "z": 0.1}], ".assignments[1].z"),
        ([point] * 1001, ".assignments"),
    ):
        reply = api.post(f"{PATH}/{known}/predictions", {"assignments": assignments})
        assert reply.status_code == 400
        assert field in reply.text


def test_the_quality_of_each_model_is_shown(api: Api, known: str) -> None:
    reply = told(api.get(f"{PATH}/{known}/models"))
    assert reply["generation"] == reply["data_generation"] > 0
    quality = {item["metric"]: item for item in reply["metrics"]}
    assert quality["accuracy"]["n"] == 20
    assert quality["accuracy"]["r2"] > 0.9


def test_each_point_of_the_front_says_what_it_adds(api: Api, known: str) -> None:
    front = told(api.get(f"{PATH}/{known}/front"))
    shares = [point["contribution"] for point in front["points"]]
    assert all(share >= 0 for share in shares)
    assert 0 < sum(shares) <= front["hypervolume"]


def test_weights_and_goals_lead_to_the_option_that_fits_them(api: Api, known: str) -> None:
    front = told(api.get(f"{PATH}/{known}/front"))["points"]
    best = {p["values"][0]["value"]: p["id"] for p in front}
    accurate = told(api.post(f"{PATH}/{known}/recommendation", {"weights": {"accuracy": 1}}))
    assert accurate["id"] == best[max(best)]
    assert accurate["gives_up"][0]["amount"] == 0
    assert accurate["gives_up"][1]["amount"] > 0
    assert "latency_ms" in accurate["sentence"]
    quick = told(api.get(f"{PATH}/{known}/recommendation?weights=%7B%22latency_ms%22%3A2%7D"))
    assert quick["id"] == front[-1]["id"]
    reached = told(api.post(f"{PATH}/{known}/recommendation", {"goals": {"latency_ms": 0.2}}))
    assert {v["name"]: v["value"] for v in reached["values"]}["latency_ms"] <= 0.2
    assert [one["missed"] for one in reached["gives_up"]] == [None, 0]
    impossible = told(api.post(f"{PATH}/{known}/recommendation", {"goals": {"accuracy": 2.0}}))
    assert impossible["id"] == accurate["id"]
    assert impossible["gives_up"][0]["missed"] > 0.9
    assert told(api.get(f"{PATH}/{known}/recommendation"))["title"] == "balanced"


def test_wishes_that_make_no_sense_are_refused(api: Api, known: str) -> None:
    for body, field in (
        ({"weights": {"acuracy": 1}}, ".weights.acuracy"),
        ({"weights": {"accuracy": -1}}, ".weights.accuracy"),
        ({"weights": {"accuracy": 0}}, ".weights"),
        ({"goals": {"accuracy": "high"}}, ".goals.accuracy"),
        ({"goals": []}, ".goals"),
        ({"weights": {"accuracy": 1}, "goals": {"accuracy": 1}}, ".goals"),
    ):
        reply = api.post(f"{PATH}/{known}/recommendation", body)
        assert reply.status_code == 400
        assert field in reply.text
