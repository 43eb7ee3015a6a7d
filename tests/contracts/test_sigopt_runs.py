"""SigOpt's AI module by its own client 8.8.3: the README's loop, all that a run can say, and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

Json = dict[str, Any]


@pytest.fixture(scope="session")
def seen(reports: Mapping[str, Any]) -> Json:
    """What the client saw in one run of sigopt_runs.py."""
    return dict(reports["runs"])


def test_a_project_that_is_not_there_is_the_clients_own_error(seen: Json) -> None:
    assert seen["loop"]["missing_project"].startswith("ProjectNotFoundException: The project 'readme' does not exist.")


def test_the_loop_of_the_readme_runs_until_its_budget_is_used_up(seen: Json) -> None:
    loop = seen["loop"]
    assert loop["finished"] is True
    assert [run["state"] for run in loop["runs"]] == ["failed", "completed", "completed", "completed"]
    assert all(0 <= run["assignments"]["x"] <= 1 and type(run["assignments"]["y"]) is int for run in loop["runs"])
    progress = loop["created"]["progress"]
    assert (progress["finished_run_count"], progress["total_run_count"], progress["remaining_budget"]) == (4, 4, -1)


def test_every_run_of_the_loop_became_an_observation_with_its_values(seen: Json) -> None:
    loop = seen["loop"]
    assert [o["failed"] for o in loop["observations"]] == [True, False, False, False]
    assert loop["broken"] == ["ZeroDivisionError"]
    for observation, run in zip(loop["observations"], loop["runs"], strict=True):
        assert (observation["id"], observation["suggestion"]) == (run["observation"], run["suggestion"])
        assert observation["assignments"] == run["assignments"]
        assert {v["name"]: v["value"] for v in observation["values"]} == {
            name: value["value"] for name, value in run["values"].items()
        }


def test_the_best_run_is_the_one_with_the_best_value(seen: Json) -> None:
    runs = [run for run in seen["loop"]["runs"] if run["state"] == "completed"]
    assert [run["id"] for run in seen["loop"]["best"]] == [max(runs, key=lambda run: run["values"]["f"]["value"])["id"]]


def test_the_address_of_the_experiment_leads_to_the_ai_experiment(seen: Json) -> None:
    assert seen["loop"]["moved"] == "aiexperiment"
    assert (seen["loop"]["updated"]["name"], seen["loop"]["updated"]["budget"]) == ("another", 9)


def test_all_that_the_client_can_log_comes_back(seen: Json) -> None:
    run = seen["run"]["run"]
    assert (run["name"], run["project"], run["state"], run["experiment"]) == ("by itself", "readme", "completed", None)
    assert run["assignments"] == {"rate": 0.5, "depth": 3, "kind": "tree"}
    assert run["assignments_meta"] == {"depth": {"object": "assignments_meta", "source": "mine"}}
    assert run["assignments_sources"]["mine"] == {"object": "assignments_sources", "sort": 2, "default_show": True}
    assert run["values"]["f"] == {"object": "metric_evaluation", "name": "f", "value": 1.5, "value_stddev": 0.25}
    assert (run["metadata"], run["dev_metadata"]) == ({"team": "search", "epochs": 7}, {"host": "a"})
    assert run["sys_metadata"] == {"feature_importances": {"type": "gain", "scores": {"x": 0.75}}}
    assert run["datasets"] == {"iris": {"object": "dataset"}}
    assert (run["model"]["type"], run["source_code"]["content"], run["source_code"]["hash"]) == (
        "forest",
        "1 + 1",
        "f00",
    )
    assert run["logs"]["stdout"]["content"].startswith("[ WARNING ] The max size has been reached")
    assert run["checkpoint_count"] == 2
    assert seen["run"]["typed"] == [0.25, 3, "["]


def test_checkpoints_are_read_newest_first(seen: Json) -> None:
    values = [item["values"][0]["value"] for item in seen["run"]["checkpoints"]]
    assert values == [1.25, 1.0]
    assert seen["run"]["one_checkpoint"] == seen["run"]["checkpoints"][0]


def test_an_image_that_was_logged_can_be_fetched_again(seen: Json) -> None:
    file = seen["run"]["file"]
    assert (file["name"], file["content_type"], file["object"]) == ("a picture", "image/svg+xml", "file")
    assert seen["run"]["run"]["files"] == [file["id"]]
    assert seen["run"]["bytes"].startswith("<svg ")


def test_runs_are_uploaded_many_at_once(seen: Json) -> None:
    resources = seen["resources"]
    assert [set(run) for run in resources["batch"]] == [{"id"}] * 3
    assert resources["whole"] == ["failed"]
    assert (resources["changed"]["metadata"], resources["changed"]["favorite"]) == ({"a": 1}, True)


def test_runs_carry_tags_and_guests_see_the_one_that_was_shared(seen: Json) -> None:
    resources = seen["resources"]
    assert resources["tagged"][0] == resources["tagged"][1] == resources["tags"]
    assert resources["guest_reads"] is True


def test_runs_are_filtered_and_sorted_by_their_values_page_by_page(seen: Json) -> None:
    values = seen["resources"]["sorted"]
    assert values == sorted(values, reverse=True)
    assert min(values) >= 1
    assert len(values) > 2
    assert {"values.f.value", "metadata.team", "assignments.rate", "logs.stdout.content"} <= set(
        seen["resources"]["fields"]
    )


def test_a_run_with_assignments_of_ones_own_is_put_away_and_brought_back(seen: Json) -> None:
    resources = seen["resources"]
    assert resources["started"]["assignments"] == {"x": 0.25, "y": 5}
    assert (resources["deleted"], resources["restored"]) == (True, False)
    assert resources["archived"] == [None, "deleted", True]


def test_every_list_of_ai_experiments_shows_the_newest_first(seen: Json) -> None:
    assert len(set(seen["resources"]["ai_lists"])) == 1


@pytest.mark.parametrize(
    ("attempt", "status", "message"),
    [
        ("observation", 403, "please create runs instead"),
        ("suggestion", 403, "please create runs instead"),
        ("budget", 400, "Unknown json keys `observation_budget`"),
        ("no project", 404, "No project none"),
        ("no run", 404, "Training run 1000000000 not found"),
        ("sort", 400, "Invalid sort: nmae; did you mean 'name'?"),
    ],
)
def test_what_is_refused_says_why(seen: Json, attempt: str, status: int, message: str) -> None:
    refused = seen["resources"]["refused"][attempt]
    assert (refused["status"], message in refused["message"]) == (status, True)


def test_every_command_does_what_it_says(seen: Json) -> None:
    typed = seen["cli"]["typed"]
    again = typed.pop("create project -p cli")
    assert again == [1, "Error: The project with id 'cli' already exists.\n"]
    assert {line: code for line, (code, _) in typed.items()} == dict.fromkeys(typed, 0)
    assert typed["version"] == [0, "8.8.3\n"]
    assert seen["cli"]["written"] == [".dockerignore", "Dockerfile", "experiment.yml", "run.yml"]
    words = {line.split()[0] for line in typed}
    assert words == {
        "version", "config", "init", "create", "optimize", "run", "start-worker", "archive", "unarchive",
    }  # fmt: skip


def test_programs_that_the_command_line_ran_have_told_of_themselves(seen: Json) -> None:
    alone, optimized, worker = seen["cli"]["runs"]
    for run in (alone, optimized, worker):
        assert run["state"] == "completed"
        assert run["logs"]["stdout"]["content"] == "trained\n"
        assert run["source_code"]["content"].startswith("import sigopt")
        assert run["values"]["f"]["value"] == run["assignments"]["x"]
    assert (alone["experiment"], optimized["observation"] is not None) == (None, True)
    assert [item["progress"]["remaining_budget"] for item in seen["cli"]["experiments"]] == [0, 0]


def test_archived_runs_and_experiments_come_back(seen: Json) -> None:
    assert seen["cli"]["states"] == [[True, "deleted"], [False, "active"]]
