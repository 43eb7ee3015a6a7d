"""Parameters change while an experiment runs: what was measured follows, and nothing that was measured is lost."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from service.arrays import Measured
from service.arrays import measured as arrays_of
from service.models import Configuration, Experiment, ModelState, Observation, Refresh, Suggestion
from service.refreshes import claim
from service.schemas.experiment import Definition
from tests.service.api.conftest import Api

#: Where the kind of database does not matter.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
X = {"name": "x"}
Y = {"name": "y"}
Z = {"name": "z", "type": "int", "bounds": {"min": 1, "max": 9}, "default_value": 3}


def change(api: Api, experiment: str, *parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    reply = api.call("PUT", f"/v1/experiments/{experiment}", {"parameters": list(parameters), **more})
    assert reply.status_code == 200, reply.text
    return dict(reply.json)  # type: ignore[arg-type]


def refused(api: Api, experiment: str, *parameters: dict[str, Any]) -> str:
    reply = api.call("PUT", f"/v1/experiments/{experiment}", {"parameters": list(parameters)})
    assert reply.status_code == 400, reply.text
    return str(reply.json["errors"][0]["field"])  # type: ignore[index]


def observe(api: Api, experiment: str, value: float = 1.0, **assignments: Any) -> None:
    values = [{"name": "accuracy", "value": value}, {"name": "latency_ms", "value": 1, "value_stddev": 0.5}]
    reply = api.post(f"/v1/experiments/{experiment}/observations", {"assignments": assignments, "values": values})
    assert reply.status_code == 200, reply.text


def measured(api: Api, experiment: str) -> list[dict[str, Any]]:
    listed = api.get(f"/v1/experiments/{experiment}/observations").json
    return [item["assignments"] for item in reversed(listed["data"])]  # type: ignore[index]


def configurations(api: Api) -> list[Configuration]:
    with api.database.read() as session:
        return list(session.scalars(sa.select(Configuration).order_by(Configuration.id)))


def test_a_new_parameter_gives_its_default_to_results_and_open_suggestions(api: Api) -> None:
    experiment = api.experiment()
    observe(api, experiment, x=0.1, y=0.2)
    api.work(experiment)
    suggestion = api.post(f"/v1/experiments/{experiment}/suggestions").json
    assert suggestion is not None
    after = change(api, experiment, X, Y, Z)
    assert [(p["name"], p["default_value"]) for p in after["parameters"]] == [("x", None), ("y", None), ("z", 3)]
    assert measured(api, experiment) == [{"x": 0.1, "y": 0.2, "z": 3}]
    again = api.get(f"/v1/experiments/{experiment}/suggestions/{suggestion['id']}").json
    assert again["assignments"] == {**suggestion["assignments"], "z": 3}  # type: ignore[index]
    observe(api, experiment, x=0.1, y=0.2, z=3)
    assert len(configurations(api)) == 1
    api.work(experiment)
    fresh = api.post(f"/v1/experiments/{experiment}/suggestions").json
    assert (fresh["source"], set(fresh["assignments"])) == ("pool", {"x", "y", "z"})  # type: ignore[index]


@on_sqlite
def test_a_parameter_that_goes_takes_no_value_along_and_one_that_comes_back_finds_it(api: Api) -> None:
    experiment = api.experiment()
    observe(api, experiment, x=0.1, y=0.2)
    change(api, experiment, X)
    observe(api, experiment, x=0.5)
    assert refused(api, experiment, X, Y) == ".parameters[1].default_value"
    assert refused(api, experiment, X, {**Y, "type": "int", "default_value": 1}) == ".parameters[1].type"
    after = change(api, experiment, X, {**Y, "default_value": 0.25})
    assert after["parameters"][1]["bounds"] == {"object": "bounds", "min": 0.0, "max": 1.0}
    assert measured(api, experiment) == [{"x": 0.1, "y": 0.2}, {"x": 0.5, "y": 0.25}]
    api.work(experiment)
    with api.database.read() as session:
        assert session.get_one(Refresh, int(experiment)).last_error is None


def test_results_that_become_one_configuration_are_pooled_as_if_they_had_come_to_it(api: Api) -> None:
    experiment, twin = api.experiment(), api.experiment()
    for value in (1.0, 2.5, 4.0):
        observe(api, twin, value, x=0.1, y=0.25)
    observe(api, experiment, 1.0, x=0.1, y=0.25)
    change(api, experiment, X)
    observe(api, experiment, 2.5, x=0.1)
    observe(api, experiment, 4.0, x=0.1)
    api.work(experiment)
    change(api, experiment, X, {**Y, "default_value": 0.25})
    ours, expected = (
        next(row for row in configurations(api) if row.experiment_id == int(key)) for key in (experiment, twin)
    )
    assert (ours.sums, ours.key, ours.assignments) == (expected.sums, expected.key, expected.assignments)
    assert len(configurations(api)) == 2
    with api.database.read() as session:
        owners = session.scalars(
            sa.select(Observation.configuration_id).where(Observation.experiment_id == ours.experiment_id)
        )
        assert set(owners) == {ours.id}
    front = api.get(f"/v1/experiments/{experiment}/front").json
    assert {point["id"] for point in front["points"]} == {str(ours.id)}  # type: ignore[index]


@on_sqlite
def test_what_lies_outside_the_new_space_stays_stored_and_hinders_nobody(api: Api) -> None:
    experiment = api.experiment(
        parameters=[*PARAMETERS, {"name": "c", "type": "categorical", "categorical_values": ["p", "q", "r"]}]
    )
    for number in range(12):
        observe(api, experiment, number, x=number / 12, y=0.5, c="pqr"[number % 3])
    api.work(experiment)
    narrow = {**X, "bounds": {"min": 0.5, "max": 0.6}}
    change(api, experiment, narrow, Y, {"name": "c", "categorical_values": ["p", "s"]})
    assert len(measured(api, experiment)) == 12
    api.work(experiment)
    with api.database.read() as session:
        assert session.get_one(Refresh, int(experiment)).last_error is None
    for _ in range(4):
        given = api.post(f"/v1/experiments/{experiment}/suggestions").json["assignments"]  # type: ignore[index]
        assert 0.5 <= given["x"] <= 0.6
        assert given["c"] in "ps"


PARAMETERS = [{"name": name, "type": "double", "bounds": {"min": 0, "max": 1}} for name in "xy"]


def arrays(api: Api, experiment: str) -> Measured:
    with api.database.read() as session:
        row = session.get_one(Experiment, int(experiment))
        return arrays_of(session, row.id, Definition.of(row))


@on_sqlite
def test_models_learn_from_what_lies_in_today_s_bounds_and_the_front_keeps_the_rest(api: Api) -> None:
    experiment = api.experiment()
    for number in range(4):
        observe(api, experiment, number, x=number / 4, y=0.5)
    before = arrays(api, experiment)
    assert before.searched is before.data
    change(api, experiment, {**X, "bounds": {"min": 0.4, "max": 0.6}}, Y)
    after = arrays(api, experiment)
    assert (len(after.data), [row["x"] for row in after.searched.assignments]) == (4, [0.5])
    api.work(experiment)
    (point,) = api.get(f"/v1/experiments/{experiment}/front").json["points"]  # type: ignore[index]
    assert point["assignments"]["x"] == 0.75


@on_sqlite
def test_what_only_a_retired_parameter_told_apart_is_one_configuration_to_the_models(api: Api) -> None:
    experiment = api.experiment()
    for number, y in enumerate((0.1, 0.1, 0.7)):
        observe(api, experiment, number, x=0.5, y=y)
    change(api, experiment, X)
    found = arrays(api, experiment).searched
    assert found.values.tolist() == [[1.0, 1.0]]
    assert (found.counts.tolist(), found.variances[0, 1]) == ([[3.0, 3.0]], pytest.approx(0.25 / 3))


@on_sqlite
def test_categories_keep_their_numbers_and_new_ones_get_higher_ones(api: Api) -> None:
    experiment = api.experiment(parameters=[{"name": "c", "type": "categorical", "categorical_values": ["d", "f"]}])
    for values, numbers in ((["d", "e"], [1, 3]), (["g", "d"], [4, 1]), (["f", "e", "g"], [2, 3, 4])):
        after = change(api, experiment, {"name": "c", "categorical_values": values})
        shown = after["parameters"][0]["categorical_values"]
        assert [(item["name"], item["enum_index"]) for item in shown] == list(zip(values, numbers, strict=True))


@on_sqlite
def test_what_a_reply_shows_can_be_edited_and_sent_back(api: Api) -> None:
    prior = {"name": "beta", "shape_a": 1.5, "shape_b": 2.5}
    grid = {"name": "g", "type": "int", "grid": [4, 2]}
    experiment = api.experiment(parameters=[{**PARAMETERS[0], "prior": prior}, grid])
    parameters = api.get(f"/v1/experiments/{experiment}").json["parameters"]  # type: ignore[index]
    assert change(api, experiment, *parameters)["parameters"] == parameters
    with api.database.read() as session:
        assert session.get_one(Refresh, int(experiment)).data_generation == 0, (
            "nothing changed, so nothing is made anew"
        )
    parameters[0]["grid"] = [2, 8]
    parameters[1]["prior"] = None
    after = change(api, experiment, *parameters)["parameters"]
    assert (after[0]["grid"], after[0]["bounds"]["max"], after[1]["prior"]) == ([2, 8], 8, None)


@on_sqlite
def test_a_refresh_of_the_old_space_is_overtaken(api: Api) -> None:
    experiment = api.experiment()
    observe(api, experiment, x=0.1, y=0.2)
    with api.database.write() as session:
        now = api.database.now(session)
        session.get_one(Refresh, int(experiment)).due_at = now
        session.flush()
        lease = claim(session, int(experiment), owner="worker", now=now)
    assert lease is not None
    change(api, experiment, X)
    with api.database.read() as session:
        row = session.get_one(Refresh, int(experiment))
        assert (row.lease_epoch, row.lease_until, row.attempts) == (lease.epoch + 1, None, 0)


@on_sqlite
def test_the_pool_and_the_models_of_the_old_space_are_thrown_away(api: Api) -> None:
    experiment = api.experiment()
    for number in range(8):
        observe(api, experiment, number, x=number / 8, y=0.3)
    api.work(experiment)
    change(api, experiment, X, {**Y, "bounds": {"min": 0, "max": 2}})
    with api.database.read() as session:
        assert session.get(ModelState, int(experiment)) is None
        assert session.scalar(sa.select(sa.func.count()).where(Suggestion.state == "pooled")) == 0


@on_sqlite
@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ([{**X, "bounds": {"min": 0.8, "max": 1}}, Y], ".linear_constraints"),
        ([X], ".linear_constraints[0].terms"),
    ],
    ids=["nothing is left", "a term is gone"],
)
def test_constraints_hold_for_new_parameters_too(api: Api, parameters: list[dict[str, Any]], field: str) -> None:
    rule = {"type": "less_than", "terms": [{"name": "x", "weight": 1}, {"name": "y", "weight": 1}], "threshold": 1}
    least = {
        "type": "greater_than",
        "terms": [{"name": "x", "weight": -1}, {"name": "y", "weight": 1}],
        "threshold": -0.5,
    }
    experiment = api.experiment(linear_constraints=[rule, least])
    assert refused(api, experiment, *parameters) == field
    assert (
        change(api, experiment, {**X, "bounds": {"min": 0, "max": 0.5}}, Y)["linear_constraints"][0]["threshold"] == 1
    )


@on_sqlite
def test_a_grid_with_new_values_has_a_new_budget_and_serves_what_is_untried(api: Api) -> None:
    experiment = api.experiment(type="grid", parameters=[{"name": "g", "type": "int", "grid": [1, 2]}])
    observe(api, experiment, g=1)
    assert change(api, experiment, {"name": "g", "grid": [1, 2, 3]})["observation_budget"] == 3
    given = [api.post(f"/v1/experiments/{experiment}/suggestions").json["assignments"]["g"] for _ in range(3)]  # type: ignore[index]
    assert given == [2, 3, 1]


@on_sqlite
def test_an_experiment_that_changed_can_be_moved_with_its_past(api: Api) -> None:
    category = {"name": "c", "type": "categorical", "categorical_values": ["p", "q"]}
    experiment = api.experiment(parameters=[*PARAMETERS, category])
    observe(api, experiment, 1.0, x=0.1, y=0.2, c="q")
    change(api, experiment, X, {"name": "c", "categorical_values": ["p", "r"]}, Z)
    observe(api, experiment, 2.0, x=0.3, c="r", z=5)
    assert api.get(f"/v1/experiments/{experiment}/export", query_string={"format": "csv"}).status_code == 200
    file = api.get(f"/v1/experiments/{experiment}/export").data
    reply = api.call("POST", "/v1/experiments/import", data=file, content_type="application/json")
    assert reply.status_code == 200, reply.text
    twin = next(item["id"] for item in api.get("/v1/experiments").json["data"] if item["id"] != experiment)  # type: ignore[index]
    assert measured(api, twin) == measured(api, experiment)
    for key in (experiment, twin):
        after = change(api, key, X, {**Y, "default_value": 0.5}, {"name": "c", "categorical_values": ["p", "q", "r"]})
        numbers = [value["enum_index"] for value in after["parameters"][0]["categorical_values"]]
        assert (numbers, measured(api, key)[0]["y"]) == ([1, 2, 3], 0.2)
