"""Experiments of type grid: every combination in order, each once while one is left."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.api.conftest import Api

#: Where the kind of database does not matter.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GRID: list[dict[str, Any]] = [
    {"name": "b", "type": "double", "grid": [0, -50.5]},
    {"name": "a", "type": "int", "grid": [50, 1]},
    {"name": "c", "type": "categorical", "categorical_values": ["d", "e", "f"]},
]
IN_ORDER = [{"a": a, "b": b, "c": c} for c in "def" for b in (-50.5, 0.0) for a in (1, 50)]


def grid(api: Api, **changes: Any) -> str:
    return api.experiment(**{"type": "grid", "parameters": GRID, "metrics": None, **changes})


def ask(api: Api, experiment: str) -> dict[str, Any]:
    reply = api.post(f"/v1/experiments/{experiment}/suggestions")
    assert reply.status_code == 200, reply.text
    return dict(reply.json)  # type: ignore[arg-type]


def tell(api: Api, experiment: str, **body: Any) -> None:
    reply = api.post(f"/v1/experiments/{experiment}/observations", {"values": [{"value": 1}], **body})
    assert reply.status_code == 200, reply.text


def test_a_grid_comes_in_order_and_then_once_more(api: Api) -> None:
    experiment = grid(api)
    for _ in range(2):
        given = [ask(api, experiment) for _ in range(12)]
        assert [suggestion["assignments"] for suggestion in given] == IN_ORDER
        for suggestion in given:
            tell(api, experiment, suggestion=suggestion["id"])
        api.work(experiment)
    assert "once more" in ask(api, experiment)["reason"]


@on_sqlite
def test_what_somebody_tried_by_himself_is_not_tried_again_and_nothing_is_left_out(api: Api) -> None:
    experiment = grid(api)
    tell(api, experiment, assignments=IN_ORDER[1])
    api.post(f"/v1/experiments/{experiment}/queued_suggestions", {"assignments": IN_ORDER[3]})
    given = [ask(api, experiment)["assignments"] for _ in range(11)]
    assert given == [IN_ORDER[3], IN_ORDER[0], IN_ORDER[2], *IN_ORDER[4:]]


@on_sqlite
def test_the_budget_of_a_grid_is_its_number_of_combinations_and_no_other(api: Api) -> None:
    shown = api.get(f"/v1/experiments/{grid(api, observation_budget=12)}").json
    assert shown is not None
    assert (shown["type"], shown["strategy"], shown["observation_budget"]) == ("grid", "grid", 12)
    assert [(p["grid"], p["bounds"]) for p in shown["parameters"]] == [
        ([1, 50], {"object": "bounds", "min": 1.0, "max": 50.0}),
        ([-50.5, 0.0], {"object": "bounds", "min": -50.5, "max": 0.0}),
        (["d", "e", "f"], None),
    ]
    again = api.experiment(**{**shown_body(shown), "observation_budget": None})
    assert api.get(f"/v1/experiments/{again}").json["parameters"] == shown["parameters"]  # type: ignore[index]


def shown_body(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: shown[name] for name in ("type", "parameters", "metrics")}


@on_sqlite
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"observation_budget": 11}, ".observation_budget"),
        ({"parameters": [*GRID, {"name": "z", "type": "int", "bounds": {"min": 1, "max": 2}}]}, ".parameters[3].grid"),
        ({"parameters": [{"name": f"x{i}", "type": "int", "grid": list(range(99))} for i in range(9)]}, ".parameters"),
    ],
    ids=["another budget", "no grid", "too many"],
)
def test_what_is_no_grid_is_refused(api: Api, changes: dict[str, Any], field: str) -> None:
    body = {"name": "grid", "type": "grid", "parameters": GRID, **changes}
    reply = api.post("/v1/experiments", body)
    assert reply.status_code == 400
    assert reply.json["errors"][0]["field"] == field  # type: ignore[index]


@on_sqlite
def test_a_grid_has_branches_and_keeps_within_constraints(api: Api) -> None:
    numbers = [{"name": name, "type": "int", "grid": [1, 2, 3]} for name in ("p", "q")]
    numbers[1]["conditions"] = {"way": "long"}
    rule = {"type": "less_than", "terms": [{"name": "p", "weight": 1}, {"name": "q", "weight": 1}], "threshold": 4}
    conditionals = [{"name": "way", "values": ["short", "long"]}]
    experiment = grid(api, parameters=numbers, conditionals=conditionals, linear_constraints=[rule])
    shown = api.get(f"/v1/experiments/{experiment}").json
    assert shown is not None
    given = [ask(api, experiment)["assignments"] for _ in range(shown["observation_budget"])]
    assert given[:3] == [{"way": "short", "p": p} for p in (1, 2, 3)]
    assert given[3:] == [{"way": "long", "p": p, "q": q} for q in (1, 2, 3) for p in (1, 2, 3) if p + q <= 4]
