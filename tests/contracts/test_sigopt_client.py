"""The real `sigopt` client 8.8.3, over the wire: a script written for SigOpt goes on working when it is sent here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

VERSION: Final = "8.8.3"

Json = dict[str, Any]


@pytest.fixture(scope="session")
def seen(reports: Mapping[str, Any]) -> Json:
    """What the client saw in one run of sigopt_loop.py."""
    return dict(reports["loop"])


def test_it_is_the_last_client_that_was_published(client_python: Path, client_environment: Mapping[str, str]) -> None:
    command = [str(client_python), "-c", "import importlib.metadata as m; print(m.version('sigopt'))"]
    found = subprocess.run(command, env=client_environment, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == VERSION


def test_the_experiment_comes_back_as_it_was_made(seen: Json) -> None:
    created = seen["created"]
    assert created["object"] == "experiment"
    assert created["id"].isdigit()
    assert (created["name"], created["type"], created["state"]) == ("sigopt's own client", "offline", "active")
    assert (created["observation_budget"], created["parallel_bandwidth"]) == (7, 2)
    assert created["metadata"] == {"team": "search", "round": 3}
    assert created["project"] is None
    assert created["progress"]["observation_count"] == 0
    assert created["progress"]["first_observation"] is None
    assert abs(created["updated"] - created["created"]) <= 1


def test_metrics_and_parameters_come_back_sorted_by_name(seen: Json) -> None:
    created = seen["created"]
    assert [(m["object"], m["name"], m["objective"], m["strategy"], m["threshold"]) for m in created["metrics"]] == [
        ("metric", "accuracy", "maximize", "optimize", None),
        ("metric", "latency_ms", "minimize", "optimize", 500.0),
    ]
    penalty, rate, trees = created["parameters"]
    assert [penalty["name"], rate["name"], trees["name"]] == ["penalty", "rate", "trees"]
    assert penalty["categorical_values"] == [
        {"object": "categorical_value", "name": "l1", "enum_index": 1},
        {"object": "categorical_value", "name": "l2", "enum_index": 2},
    ]
    assert penalty["bounds"] is None
    assert (rate["transformation"], rate["bounds"]) == ("log", {"object": "bounds", "min": 1e-4, "max": 1.0})
    assert (trees["type"], trees["conditions"]) == ("int", {"model": ["forest"]})
    assert penalty["conditions"] == {"model": ["linear"]}
    assert all("grid" not in parameter for parameter in created["parameters"])
    assert created["conditionals"] == [{"object": "conditional", "name": "model", "values": ["forest", "linear"]}]


def test_the_loop_runs_until_its_budget_is_used_up(seen: Json) -> None:
    assert len(seen["trials"]) == 7
    assert seen["read"]["experiment"]["progress"]["observation_budget_consumed"] == 8  # and one beside the loop


def test_every_suggestion_lies_in_the_space_and_meets_its_conditions(seen: Json) -> None:
    for trial in seen["trials"]:
        suggestion, assignments = trial["suggestion"], trial["suggestion"]["assignments"]
        assert (suggestion["object"], suggestion["state"], suggestion["deleted"]) == ("suggestion", "open", False)
        assert 1e-4 <= assignments["rate"] <= 1
        if assignments["model"] == "forest":
            assert set(assignments) == {"model", "rate", "trees"}
            assert type(assignments["trees"]) is int
            assert 10 <= assignments["trees"] <= 200
        else:
            assert assignments["model"] == "linear"
            assert set(assignments) == {"model", "rate", "penalty"}
            assert assignments["penalty"] in ("l1", "l2")


def test_no_two_suggestions_are_the_same(seen: Json) -> None:
    ids = [trial["suggestion"]["id"] for trial in seen["trials"]]
    tried = [json.dumps(trial["suggestion"]["assignments"], sort_keys=True) for trial in seen["trials"]]
    assert len(set(ids)) == len(set(tried)) == 7


def test_an_observation_repeats_what_was_reported(seen: Json) -> None:
    for number, trial in enumerate(seen["trials"]):
        observation, suggestion = trial["observation"], trial["suggestion"]
        assert observation["suggestion"] == suggestion["id"]
        assert observation["assignments"] == suggestion["assignments"]
        assert observation["failed"] is (number == 3)
        if number == 3:
            assert (observation["values"], observation["metadata"]) == ([], None)
            continue
        assert observation["metadata"] == {"host": "a"}
        assert [(v["object"], v["name"], v["value_stddev"]) for v in observation["values"]] == [
            ("metric_evaluation", "accuracy", 0.004),
            ("metric_evaluation", "latency_ms", 0.1),
        ]


def test_what_a_person_queued_comes_first_and_leaves_the_queue(seen: Json) -> None:
    parallel = seen["parallel"]
    assert [item["id"] for item in parallel["waiting"]["data"]] == [parallel["queued"]["id"]]
    assert parallel["queued"]["object"] == "queued_suggestion"
    assert parallel["handed_out"]["assignments"] == parallel["queued"]["assignments"]


def test_several_suggestions_may_be_open_and_are_listed_newest_first(seen: Json) -> None:
    parallel = seen["parallel"]
    assert [item["id"] for item in parallel["open"]] == [parallel["named"]["id"], parallel["handed_out"]["id"]]
    assert parallel["named"]["assignments"] == {"model": "forest", "rate": 0.02, "trees": 34}
    assert parallel["same"]["metadata"] == {"by": "hand"}
    assert parallel["free"]["suggestion"] is None


def test_progress_counts_and_shows_the_first_and_last_observation(seen: Json) -> None:
    progress = seen["read"]["experiment"]["progress"]
    assert progress["object"] == "progress"
    assert progress["observation_count"] == 8
    assert progress["first_observation"]["id"] == seen["trials"][0]["observation"]["id"]
    assert progress["last_observation"]["id"] == seen["parallel"]["free"]["id"]
    assert progress["best_observation"] is None  # two metrics are optimized: there is no single best


def test_pages_lead_from_the_newest_observation_to_the_oldest(seen: Json) -> None:
    read = seen["read"]
    reported = [trial["observation"]["id"] for trial in seen["trials"]] + [seen["parallel"]["free"]["id"]]
    assert [item["id"] for item in read["observations"]] == reported[::-1]
    page = read["first_page"]
    assert (page["object"], page["count"], len(page["data"])) == ("pagination", 8, 3)
    assert page["paging"]["before"] is not None
    assert read["newest_values"] == [["accuracy", 0.999, None], ["latency_ms", 40.0, 1.0]]
    assert seen["created"]["id"] in read["listed"]


def test_the_best_are_the_pareto_front_sorted_by_the_first_metric(seen: Json) -> None:
    measured = {o["id"]: _accuracy_and_latency(o) for o in seen["read"]["observations"] if not o["failed"]}
    front = {key for key, mine in measured.items() if not any(_beats(other, mine) for other in measured.values())}
    best = seen["read"]["best"]
    assert {item["id"] for item in best} == front
    assert [_accuracy_and_latency(item) for item in best] == sorted((measured[key] for key in front), reverse=True)
    assert [dict(values)["accuracy"] for values in seen["read"]["best_values"]] == [
        _accuracy_and_latency(item)[0] for item in best
    ]
    assert all(item["object"] == "best_assignments" for item in best)


def _accuracy_and_latency(item: Json) -> tuple[float, float]:
    values = {value["name"]: value["value"] for value in item["values"]}
    return values["accuracy"], values["latency_ms"]


def _beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a != b and a[0] >= b[0] and a[1] <= b[1]


def test_one_metric_without_a_name_is_enough(seen: Json) -> None:
    single = seen["single"]
    assert [(m["name"], m["objective"]) for m in single["experiment"]["metrics"]] == [(None, "maximize")]
    assert [(v["name"], v["value"], v["value_stddev"]) for v in single["observation"]["values"]] == [(None, 0.25, None)]
    assert [item["id"] for item in single["best"]] == [single["observation"]["id"]]
    assert single["progress"]["best_observation"]["id"] == single["observation"]["id"]


@pytest.mark.parametrize(
    ("attempt", "status", "message"),
    [
        ("missing experiment", 404, "No experiment 999999"),
        ("missing observation", 404, "999999"),
        ("strange id", 404, "abc"),
        ("no such endpoint", 404, "Endpoint not found"),
        ("unknown token", 403, "This endpoint requires a valid API token"),
        ("guest writes", 403, "You don't have permission to do this action"),
        ("unknown metric", 400, "did you mean 'accuracy'?"),
        ("missing metric", 400, "latency_ms"),
        ("negative stddev", 400, "value_stddev must be greater than or equal to 0"),
        ("failed with values", 400, "failed"),
        ("unknown parameter", 400, "Invalid assignment, parameter does not exist: tres"),
        ("unsatisfied parameter", 400, "Do not provide assignment for unsatisfied parameter: trees"),
        ("no bounds", 400, "`x` needs bounds"),
        ("unknown key", 400, "Unknown json keys `colour`"),
        ("no name", 400, 'Missing required json key "name"'),
        ("too long a page", 400, "Exceeded maximum limit: 1000"),
        ("bad marker", 400, "Invalid paging marker"),
        ("a project", 400, "Could not assign to project `mine`, the project does not exist."),
    ],
)
def test_a_refusal_raises_the_clients_own_error_with_a_message_for_people(
    seen: Json, attempt: str, status: int, message: str
) -> None:
    raised = seen["refusals"][attempt]
    assert raised["status"] == status
    assert message in raised["message"]
    assert raised["body"]["status"] == status


def test_a_refused_token_says_why(seen: Json) -> None:
    assert seen["refusals"]["unknown token"]["body"]["token_status"] == "revoked"
    assert seen["refusals"]["guest writes"]["body"]["token_status"] == "invalid_permissions"


def test_a_guest_token_reads_its_experiment(seen: Json) -> None:
    assert seen["refusals"]["guest reads"] == seen["created"]["id"]
