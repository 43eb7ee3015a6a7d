"""Everything an experiment can be made of is stored and shown; what does not go together is refused by its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.models import Experiment, Project
from tests.service.api.conftest import Api
from tests.support import BODY, new_client

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NUMBERS = [{"name": name, "type": "double", "bounds": {"min": 1, "max": 10}} for name in "abc"]
TASKS = [{"name": "cheap", "cost": 0.1}, {"name": "full", "cost": 1}, {"name": "half", "cost": 0.5}]


def made(api: Api, **changes: Any) -> dict[str, Any]:
    reply = api.post("/v1/experiments", {**BODY, **changes})
    assert reply.status_code == 200, reply.text
    return dict(reply.json)  # type: ignore[arg-type]


def refused(api: Api, **changes: Any) -> tuple[str, str]:
    reply = api.post("/v1/experiments", {**BODY, **changes})
    assert reply.status_code == 400, reply.text
    answer: Any = reply.json
    return answer["errors"][0]["field"], answer["message"]


@pytest.fixture
def client(api: Api) -> str:
    return str(api.get("/v1/sessions").json["client"]["id"])  # type: ignore[index]


@pytest.fixture
def project(api: Api, client: str) -> str:
    reply = api.post(f"/v1/clients/{client}/projects", {"id": "churn", "name": "Churn"})
    assert reply.status_code == 200, reply.text
    return "churn"


def test_a_project_takes_experiments_and_is_dated_by_what_happens_to_them(api: Api, client: str, project: str) -> None:
    path = f"/v1/clients/{client}/projects/{project}"

    def updated() -> int:
        return int(api.get(path).json["updated"])  # type: ignore[index]

    def forget() -> None:
        with api.database.write() as session:
            for row in (session.query(Project).one(), *session.query(Experiment)):
                row.updated_at = datetime.now(UTC) - timedelta(days=1)

    forget()
    experiment, start = made(api, project=project), updated()
    assert experiment["project"] == project
    made(api)
    forget()
    assert start - updated() > 80_000
    api.call("PUT", f"/v1/experiments/{experiment['id']}", {"project": None})
    assert updated() >= start
    assert api.get(f"{path}/experiments").json["data"] == []  # type: ignore[index]
    back = api.call("PUT", f"/v1/experiments/{experiment['id']}", {"project": project}).json
    (listed,) = api.get(f"{path}/experiments").json["data"]  # type: ignore[index]
    assert (listed["id"], listed["project"], back["project"]) == (experiment["id"], project, project)  # type: ignore[index]


def test_a_project_of_nobody_is_refused(api: Api, project: str) -> None:
    words = "Could not assign to project `churns`, the project does not exist."
    assert refused(api, project="churns") == (".project", words)
    with api.database.write() as session:
        other = new_client(session, now=datetime.now(UTC))[0]
        session.query(Project).one().client_id = other
    assert refused(api, project=project)[0] == ".project"


def test_tasks_are_shown_dearest_first_and_go_with_several_metrics_and_no_budget(api: Api) -> None:
    shown = made(api, tasks=TASKS)
    assert shown["tasks"] == [
        {"object": "task", "name": "full", "cost": 1.0},
        {"object": "task", "name": "half", "cost": 0.5},
        {"object": "task", "name": "cheap", "cost": 0.1},
    ]
    assert "tasks" not in made(api)


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        (TASKS[1:2], "At least 2 tasks"),
        ([*TASKS, TASKS[0]], "Duplicate task name"),
        ([*TASKS, {"name": "also", "cost": 0.5}], "Duplicate task cost"),
        ([TASKS[0], TASKS[2]], "Exactly one task must have cost 1"),
        ([TASKS[1], {"name": "free", "cost": 0}], "greater than 0"),
        ([TASKS[1], {"name": "dear", "cost": 1.5}], "less than or equal to 1"),
        ([TASKS[1], {"name": "some"}], "Missing required json key"),
    ],
)
def test_tasks_that_cannot_be_told_apart_are_refused(api: Api, tasks: list[Any], words: str) -> None:
    field, message = refused(api, tasks=tasks)
    assert field.startswith(".tasks")
    assert words in message


def test_several_solutions_are_of_one_metric_and_within_the_budget(api: Api) -> None:
    one = {"metrics": ["profit", {"name": "cost", "strategy": "constraint", "threshold": 3}]}
    shown = made(api, **one, num_solutions=5, observation_budget=5, tasks=TASKS)
    assert (shown["num_solutions"], shown["type"]) == (5, "offline")
    assert refused(api, **one, num_solutions=6, observation_budget=5)[0] == ".observation_budget"
    assert refused(api, num_solutions=2)[0] == ".num_solutions"
    assert refused(api, metrics=[{**one["metrics"][1]}], num_solutions=2)[0] == ".num_solutions"  # type: ignore[dict-item]
    reply = api.call("PUT", f"/v1/experiments/{shown['id']}", {"observation_budget": 4})
    assert reply.status_code == 400
    assert api.call("PUT", f"/v1/experiments/{shown['id']}", {"observation_budget": 50}).status_code == 200


def test_an_experiment_of_runs_has_a_project_and_a_budget_of_its_own_name(api: Api, project: str) -> None:
    assert refused(api, runs_only=True)[0] == ".project"
    assert refused(api, runs_only=True, project=project, observation_budget=3)[0] == ".observation_budget"
    assert refused(api, budget=3)[0] == ".budget"
    shown = made(api, runs_only=True, project=project, budget=3)
    assert (shown["object"], shown["runs_only"], shown["budget"]) == ("experiment", True, 3)
    assert "observation_budget" not in shown
    counts = ("active_run_count", "finished_run_count", "total_run_count", "remaining_budget")
    assert [shown["progress"][name] for name in counts] == [0, 0, 0, 3]
    reply = api.get(f"/v1/experiments/{shown['id']}")
    assert (reply.status_code, reply.location) == (301, f"/v1/aiexperiments/{shown['id']}")
    path = f"/v1/experiments/{shown['id']}"
    for body in ({"project": None}, {"observation_budget": 9}, {"budget": 9, "observation_budget": 9}):
        assert api.call("PUT", path, body).status_code == 400
    assert api.call("PUT", path, {"budget": 9, "project": project}).json["budget"] == 9  # type: ignore[index]
    assert api.get("/v1/experiments").json["count"] == 0  # type: ignore[index]
    (listed,) = api.get("/v1/experiments", query_string={"include_ai": "True"}).json["data"]  # type: ignore[index]
    assert (listed["object"], listed["id"]) == ("aiexperiment", shown["id"])


def test_an_experiment_for_development_asks_no_model(api: Api, client: str) -> None:
    tokens = api.get(f"/v1/clients/{client}/tokens").json["data"]  # type: ignore[index]
    secret = next((token["token"] for token in tokens if token["token_type"] == "client-dev"), None)
    if secret is None:
        body = {"token_type": "client-dev", "permissions": "write"}
        secret = api.post(f"/v1/clients/{client}/tokens", body).json["token"]  # type: ignore[index]
    mine = Api(api.app, api.database, secret)
    shown = made(mine)
    assert (shown["development"], shown["strategy"]) == (True, "quasi_random")
    made(api)
    for query, count in (({}, 2), ({"development": "true"}, 1), ({"development": "0"}, 1)):
        assert api.get("/v1/experiments", query_string=query).json["count"] == count  # type: ignore[index]


def test_numbers_of_every_kind_stand_in_linear_constraints(api: Api) -> None:
    log = {"name": "r", "type": "double", "bounds": {"min": 1e-3, "max": 10}, "transformation": "log"}
    whole = {"name": "n", "type": "int", "bounds": {"min": 1, "max": 64}, "transformation": "log"}
    grid = {"name": "g", "type": "double", "grid": [0.5, 1, 2]}
    some = {"name": "s", "type": "double", "bounds": {"min": 5, "max": 9}, "conditions": {"way": "long"}}
    weights = {"a": 1, "r": 2, "n": 0.5, "g": 1, "s": 1}
    terms = [{"name": name, "weight": weight} for name, weight in weights.items()]
    experiment = made(
        api,
        parameters=[*NUMBERS, log, whole, grid, some],
        conditionals=[{"name": "way", "values": ["short", "long"]}],
        linear_constraints=[{"type": "less_than", "terms": terms, "threshold": 20}],
    )
    for _ in range(4):
        given = api.post(f"/v1/experiments/{experiment['id']}/suggestions").json["assignments"]  # type: ignore[index]
        assert sum(weight * given.get(name, 0) for name, weight in weights.items()) <= 20 + 1e-6


def rule(threshold: float, kind: str = "greater_than", **weights: float) -> dict[str, Any]:
    terms = [{"name": name, "weight": weight} for name, weight in weights.items()]
    return {"type": kind, "terms": terms, "threshold": threshold}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([rule(4)], "Constraint must have at least one term"),
        ([rule(4, z=3)], "Variable z is not a known parameter"),
        ([rule(4, k=3)], "Variable k is not a parameter of type `double`"),
        ([{**rule(4, a=3), "terms": rule(4, a=3)["terms"] * 2}], "Duplicate variable name: a"),
        ([rule(4, a=3)], "Constraints should affect at least two parameters"),
        ([rule(4, a=3, b=0)], "Constraints should affect at least two parameters"),
        ([rule(40, a=1, b=1)], "Infeasible constraints or empty set"),
        ([rule(12, a=1, b=1), rule(12, "less_than", a=1, b=1)], "Infeasible constraints or empty set"),
        ([rule(12, a=1, b=1), rule(8, "less_than", a=1, b=1)], "Infeasible constraints or empty set"),
    ],
)
def test_constraints_that_leave_nothing_to_choose_are_refused(api: Api, rules: list[Any], words: str) -> None:
    category = {"name": "k", "type": "categorical", "categorical_values": ["p", "q"]}
    field, message = refused(api, parameters=[*NUMBERS, category], linear_constraints=rules)
    assert field.startswith(".linear_constraints")
    assert words in message


@pytest.mark.parametrize(
    ("conditions", "conditionals"),
    [
        ([{"x": "1"}] * 3, [{"name": "x", "values": ["1", "2"]}]),
        (
            [{"x": "5", "y": "t"}, {"x": "10", "y": "f"}, {"x": "10", "y": "t"}],
            [{"name": "x", "values": ["5", "10"]}, {"name": "y", "values": ["t", "f"]}],
        ),
    ],
)
def test_conditionals_always_leave_a_parameter(api: Api, conditions: list[Any], conditionals: list[Any]) -> None:
    parameters = [{**number, "conditions": given} for number, given in zip(NUMBERS, conditions, strict=True)]
    assert refused(api, parameters=parameters, conditionals=conditionals)[0] == ".conditionals"
    parameters[0] = NUMBERS[0]
    made(api, parameters=parameters, conditionals=conditionals)


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ({"type": "int", "grid": [0, 1, 3.5]}, "Invalid type"),
        ({"type": "double", "grid": [0, 1], "transformation": "log"}, "log-transformation"),
        ({"type": "double", "bounds": {"min": 1, "max": 2}, "default_value": 3}, "default_value"),
        ({"type": "int", "grid": [1, 5], "default_value": 3}, "default_value"),
        ({"type": "int", "bounds": {"min": 1, "max": 9}, "default_value": 3.5}, "expected type integer"),
        ({"type": "categorical", "categorical_values": ["p", "q"], "default_value": "r"}, "is not a value of"),
        ({"type": "double", "bounds": {"min": 1, "max": 2}, "transform": "logg"}, "not one of the allowed values"),
        ({"type": "double", "bounds": {"min": 1, "max": 2}, "foo": 1}, "Unknown json keys `foo`"),
    ],
)
def test_a_parameter_that_contradicts_itself_is_refused(api: Api, parameter: dict[str, Any], words: str) -> None:
    field, message = refused(api, parameters=[{"name": "p", **parameter}])
    assert field.startswith(".parameters[0]")
    assert words in message


def test_lists_know_the_period_and_refuse_one_that_runs_backwards(api: Api) -> None:
    now = datetime.now(UTC).replace(microsecond=500_000)
    keys = [made(api, name=str(number))["id"] for number in range(3)]
    with api.database.write() as session:
        for key, seconds in zip(keys, (-4, 0, 4), strict=True):
            session.get_one(Experiment, int(key)).created_at = now + timedelta(seconds=seconds)

    def found(**query: int) -> list[str]:
        return [item["name"] for item in api.get("/v1/experiments", query_string=query).json["data"]]  # type: ignore[index]

    at = int(now.timestamp())
    assert found(period_end=at - 4) == []
    assert found(period_start=at) == ["2", "1"]
    assert found(period_end=at + 1) == ["1", "0"]
    assert found(period_start=at, period_end=at + 1) == ["1"]
    assert found(period_start=10**17) == []
    reply = api.get("/v1/experiments", query_string={"period_start": 1000, "period_end": 999})
    assert (reply.status_code, reply.json["errors"][0]["field"]) == (400, "period_end")  # type: ignore[index]


def test_lists_of_clients_and_organizations_are_the_caller_s_and_users_do_not_exist(api: Api, client: str) -> None:
    key = made(api)["id"]
    for owner in ("clients", "organizations"):
        assert [e["id"] for e in api.get(f"/v1/{owner}/{client}/experiments").json["data"]] == [key]  # type: ignore[index]
        assert api.get(f"/v1/{owner}/{int(client) + 1}/experiments").status_code == 404
    assert api.post(f"/v1/clients/{client}/experiments", BODY).json["client"] == client  # type: ignore[index]
    assert api.post(f"/v1/clients/{int(client) + 1}/experiments", BODY).status_code == 404
    assert api.get("/v1/users/1/experiments").status_code == 404
    assert api.get("/v1/experiments", query_string={"user": "1"}).json["count"] == 0  # type: ignore[index]
