"""Every other endpoint of SigOpt's core by its own client 8.8.3: teams, tokens, projects, corrections, lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

Json = dict[str, Any]


@pytest.fixture(scope="session")
def seen(reports: Mapping[str, Any]) -> Json:
    """What the client saw in one run of sigopt_everything.py."""
    return dict(reports["everything"])


def test_a_team_and_its_tokens_are_made_over_http(seen: Json) -> None:
    team = seen["team"]
    assert team["fetched"] == team["client"]
    assert (team["client"]["object"], team["client"]["name"]) == ("client", "the suite")
    assert team["self"]["client"] == team["client"]["id"]
    assert (team["self"]["token_type"], team["self"]["scope"]) == ("client-api", "all_endpoints")
    assert team["session"]["api_token"]["token"] == team["self"]["token"]
    assert (team["organization"], team["of_organization"], team["nobody"]) == ("organization", [1, 0, 0], [0, 0])
    assert team["signed_out"] == {}
    assert team["deleted"] == {}
    assert team["foreign"]["status"] == 404


def test_a_token_is_rotated_and_ended(seen: Json) -> None:
    team = seen["team"]
    assert team["rotated"] is True
    assert "rotating" in team["listed"]
    assert team["ended"][0] == {}
    assert team["ended"][1]["status"] == 403


def test_projects_are_made_once_changed_and_listed(seen: Json) -> None:
    projects = seen["projects"]
    assert (projects["made"]["id"], projects["made"]["metadata"]) == ("search", {"owner": "me"})
    assert projects["again"] == {
        "status": 409,
        "message": "The experiment project with id `search` already exists.",
    }
    assert projects["fetched"] == projects["changed"]
    assert (projects["changed"]["name"], projects["changed"]["experiment_count"]) == ("Searching", 1)
    assert projects["listed"] == ["search"]
    assert projects["experiments"] is True
    assert len(projects["of_client"]) == 2


def test_notes_and_tags_are_kept(seen: Json) -> None:
    projects = seen["projects"]
    assert (projects["notes"], projects["newest_note"]) == (["a", "b"], "b")
    assert (projects["tag"].lower(), projects["tags"]) == ("#a0b0c0", 1)


def test_views_of_runs_are_kept_as_they_were_given(seen: Json) -> None:
    views = seen["views"]
    assert views["made"]["payload"] == {"filters": [], "sort": [{"key": "created", "ascending": True}]}
    assert (views["changed"], views["found"], views["ended"]) == ({"filters": [], "sort": []}, True, {})


def test_experiments_change_while_they_run_and_come_back(seen: Json) -> None:
    experiments = seen["experiments"]
    assert experiments["changed"] == ["changed", 20, {"a": 1}, 2]
    assert experiments["parameters"] == ["n", "x", "z"]
    assert experiments["deleted"] == [None, "deleted", "active"]
    assert experiments["paged"] == ["page 2", "page 1"]
    assert experiments["ascending"] == ["page 1", "page 2"]
    assert set(experiments["fields"]) == {"id", "name"}
    assert (experiments["guest"], experiments["hyperparameters"]) == ("guest", {})
    assert experiments["practices"]["object"] == "best_practices"


def test_what_sigopt_refused_is_taken(seen: Json) -> None:
    assert all(key.isdigit() for key in seen["experiments"]["lifted"].values())
    assert len(seen["experiments"]["lifted"]) >= 6


def test_suggestions_and_the_queue_are_read_changed_and_taken_away(seen: Json) -> None:
    suggestions = seen["suggestions"]
    assert suggestions["queued"][0] == suggestions["queued"][1]
    assert suggestions["changed"] == {"changed": 1}
    assert suggestions["by_id"] == suggestions["ids"]
    assert suggestions["all_gone"] == [None, 0]
    assert {name for name in ("queue", "left", "gone", "first_out") if suggestions[name] is not True} == set()


def test_observations_come_in_batches_all_or_none(seen: Json) -> None:
    observations = seen["observations"]
    assert observations["batch"] == [12, 4]
    assert observations["dry"] == [1, 12]
    assert observations["wrong"]["status"] == 400
    assert observations["wrong"]["message"].startswith("Error in observation 2/2: ")


def test_a_correction_is_followed_by_everything(seen: Json) -> None:
    observations = seen["observations"]
    assert observations["corrected"] == 7.0
    assert observations["by_value"] == sorted(observations["by_value"], reverse=True)
    assert observations["by_value"][0] == 7.0
    assert observations["oldest_first"] is True
    assert observations["best"] == [7.0]
    assert (observations["progress"], observations["all_gone"]) == (12, [None, 0])


def test_importances_come_once_there_is_enough_to_tell(seen: Json) -> None:
    observations = seen["observations"]
    assert observations["before"]["status"] == 422
    (importances,) = observations["importances"]
    assert (importances["object"], importances["metric"]) == ("metric_importances", "gain")
    assert set(importances["importances"]) == {"x", "n"}
    assert observations["stop"]["object"] == "stopping_criteria"


@pytest.mark.parametrize(
    ("attempt", "status"),
    [
        ("importances", 404),
        ("training_runs", 404),
        ("best_training_runs", 404),
        ("organizations", 404),
        ("all training_runs", 404),
        ("aiexperiments", 405),
        ("pki_sessions", 404),
        ("method", 405),
        ("sessions", 400),
    ],
)
def test_what_no_server_ever_answered_is_refused_as_it_was(seen: Json, attempt: str, status: int) -> None:
    assert seen["refusals"][attempt]["status"] == status
    assert seen["refusals"][attempt]["message"]
