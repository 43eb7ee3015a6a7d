"""Experiments are found by name and state, in the order that is asked for, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.api import markers
from service.models import Experiment
from tests.service.api.conftest import Api

NOW = datetime.now(UTC)


def names(api: Api, **query: Any) -> list[str]:
    reply = api.get("/v1/experiments", query_string=query)
    assert reply.status_code == 200, reply.text
    assert reply.json["count"] == len(reply.json["data"])  # type: ignore[index]
    return [item["name"] for item in reply.json["data"]]  # type: ignore[index]


def test_a_list_shows_what_is_active_or_deleted_or_both(api: Api) -> None:
    api.experiment(name="kept")
    api.call("DELETE", f"/v1/experiments/{api.experiment(name='gone')}")
    assert names(api) == names(api, state="active") == ["kept"]
    assert names(api, state="deleted") == ["gone"]
    assert names(api, state="all") == ["gone", "kept"]


def test_a_search_finds_a_part_of_the_name_and_takes_every_character_as_itself(api: Api) -> None:
    for name in ("Churn 100%", "churn_model", "churnXmodel", "other / 1000", "back\\slash"):
        api.experiment(name=name)
    assert names(api, search="CHURN") == ["churnXmodel", "churn_model", "Churn 100%"]
    assert names(api, search="n_m") == ["churn_model"]
    assert names(api, search="0%") == ["Churn 100%"]
    assert names(api, search="r / 1") == ["other / 1000"]
    assert names(api, search="K\\S") == ["back\\slash"]
    assert names(api, search="nothing") == []
    assert len(names(api, search="")) == 5


KINDS: dict[str, dict[str, Any]] = {
    "nothing measured": {},
    "one metric": {"metrics": ["accuracy", {"name": "latency_ms", "strategy": "store"}]},
    "two metrics": {},
    "least": {"metrics": [{"name": "accuracy", "objective": "minimize"}, {"name": "latency_ms", "strategy": "store"}]},
    "a threshold": {"metrics": [{"name": "accuracy", "threshold": 0.9}, {"name": "latency_ms", "strategy": "store"}]},
    "a composite": {
        "metrics": [
            {"name": "both", "expression": "accuracy - latency_ms"},
            {"name": "accuracy", "strategy": "store"},
            {"name": "latency_ms", "strategy": "store"},
        ]
    },
}


def test_a_list_shows_of_each_what_it_shows_itself_its_first_last_and_best_result_too(api: Api) -> None:
    keys = {name: api.experiment(name=name, **changes) for name, changes in KINDS.items()}
    for name, key in keys.items():
        for number in range(0 if name == "nothing measured" else 4):
            api.observe(key, number / 4, 0.25)
    first = api.get(f"/v1/experiments/{keys['one metric']}/observations").json["data"][-1]["id"]  # type: ignore[index]
    api.call("DELETE", f"/v1/experiments/{keys['one metric']}/observations/{first}")
    listed = api.get("/v1/experiments").json
    assert listed is not None
    assert {item["name"]: item for item in listed["data"]} == {
        name: api.get(f"/v1/experiments/{key}").json for name, key in keys.items()
    }
    best = {item["name"]: item["progress"]["best_observation"] for item in listed["data"]}
    assert {name for name, found in best.items() if found is None} == {"nothing measured", "two metrics"}
    assert listed["data"][0]["progress"]["last_observation"]["assignments"] == {"x": 0.75, "y": 0.25}


def aged(api: Api, *hours: int) -> None:
    """Make experiments e0, e1 … that were changed so many hours ago."""
    for number, ago in enumerate(hours):
        key = api.experiment(name=f"e{number}")
        with api.database.write() as session:
            session.get_one(Experiment, int(key)).updated_at = NOW - timedelta(hours=ago, microseconds=1)


def test_recent_are_those_that_were_changed_last(api: Api) -> None:
    aged(api, 2, 3, 1, 3)
    assert names(api, sort="recent") == ["e2", "e0", "e3", "e1"]
    assert names(api, sort="recent", ascending="True") == ["e1", "e3", "e0", "e2"]
    assert names(api, sort="id", ascending="1") == ["e0", "e1", "e2", "e3"]
    newest = api.get("/v1/experiments", query_string={"search": "e1"}).json["data"][0]["id"]  # type: ignore[index]
    assert api.call("PUT", f"/v1/experiments/{newest}", {}).status_code == 200
    assert names(api, sort="recent")[0] == "e1"


@pytest.mark.parametrize("sort", ["id", "recent"])
@pytest.mark.parametrize(("ascending", "marker"), [("false", "before"), ("true", "after")])
def test_a_walk_by_markers_meets_each_once_in_the_order_of_the_list(
    api: Api, sort: str, ascending: str, marker: str
) -> None:
    aged(api, 2, 3, 1, 3, 3)
    query = {"sort": sort, "ascending": ascending}
    seen: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = api.get("/v1/experiments", query_string={**query, **more, "limit": 2}).json
        assert page is not None
        assert page["count"] == 5
        seen += [item["name"] for item in page["data"]]
        if page["paging"][marker] is None:
            break
        more = {marker: page["paging"][marker]}
    assert seen == names(api, **query)
    assert len(seen) == 5


def test_after_leads_back_to_the_page_that_was_just_before(api: Api) -> None:
    aged(api, 1, 1, 1, 1, 1)
    page = api.get("/v1/experiments", query_string={"limit": 4}).json
    assert page is not None
    back = api.get("/v1/experiments", query_string={"limit": 2, "after": page["paging"]["before"]}).json
    assert back is not None
    assert [item["name"] for item in back["data"]] == ["e3", "e2"]
    rest = api.get("/v1/experiments", query_string={"limit": 2, "after": back["paging"]["after"]}).json
    assert rest is not None
    assert [item["name"] for item in rest["data"]] == ["e4"]
    assert rest["paging"]["after"] is None


def test_between_two_markers_lies_what_is_older_than_the_one_and_newer_than_the_other(api: Api) -> None:
    aged(api, 1, 1, 1, 1)
    ids = [int(item["id"]) for item in api.get("/v1/experiments").json["data"]]  # type: ignore[index]
    page = api.get("/v1/experiments", query_string={"before": marked(ids[0]), "after": marked(ids[3])}).json
    assert [item["name"] for item in page["data"]] == ["e2", "e1"]  # type: ignore[index]


def marked(*symbols: markers.Symbol) -> str:
    return markers.encode(symbols)


#: query -> words of the message, field
ODD_LISTS: dict[str, tuple[dict[str, str], str, str]] = {
    "state": ({"state": "odd"}, "expected one of: active, deleted, all", "state"),
    "sort": ({"sort": "name"}, "Invalid sort: 'name'", "sort"),
    "ascending": ({"ascending": "up"}, "expected true or false", "ascending"),
    "a long search": ({"search": "x" * 101}, "up to 100 characters", "search"),
    "NUL": ({"search": "a\0"}, "'search' has a NUL character", "search"),
    "no marker": ({"before": ""}, "Invalid paging marker", "before"),
    "no text": ({"after": "_w"}, "Invalid paging marker", "after"),
    "another order's marker": ({"sort": "recent", "before": marked(3)}, "a list in this order", "before"),
    "half a marker": ({"sort": "recent", "after": marked("x", 3)}, "a list in this order", "after"),
}


@pytest.mark.parametrize("case", ODD_LISTS)
def test_an_odd_question_for_a_list_names_the_field(api: Api, case: str) -> None:
    query, words, field = ODD_LISTS[case]
    reply = api.get("/v1/experiments", query_string=query)
    assert reply.status_code == 400
    assert words in reply.json["message"]  # type: ignore[index]
    assert reply.json["errors"][0]["field"] == field  # type: ignore[index]


def test_a_made_up_marker_leads_somewhere_or_nowhere_but_breaks_nothing(api: Api) -> None:
    api.experiment(name="e")
    far = marked(2**63 - 1, 2**63 - 1)
    assert names(api, sort="recent", before=far) == ["e"]
    reply = api.get("/v1/experiments", query_string={"sort": "recent", "after": far})
    assert reply.json["data"] == []  # type: ignore[index]


def test_a_guest_lists_the_one_experiment_also_when_it_is_deleted(api: Api) -> None:
    api.experiment(name="other")
    experiment = api.experiment(name="shared")
    guest = api.post(f"/v1/experiments/{experiment}/tokens").json["token"]  # type: ignore[index]
    api.call("DELETE", f"/v1/experiments/{experiment}")
    listed = api.get("/v1/experiments", query_string={"state": "all", "sort": "recent"}, auth=(guest, "")).json
    assert listed is not None
    assert [item["name"] for item in listed["data"]] == ["shared"]
