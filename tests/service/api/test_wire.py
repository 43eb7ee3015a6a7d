"""The wire as SigOpt's clients know it, and what newer clients expect beside: projections, links, tags, problems."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api import markers
from service.api.problems import PROBLEMS
from service.errors import InvalidInputError, ServiceError
from tests.service.api.conftest import Api

SYMBOLS = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
    | st.booleans()
    | st.none()
)


def page_of(api: Api, **query: Any) -> dict[str, Any]:
    reply = api.get("/v1/experiments", query_string=query)
    assert reply.status_code == 200, reply.text
    return dict(reply.json or {}, links=reply.headers.getlist("Link"))


@given(st.lists(SYMBOLS, max_size=4))
def test_a_marker_is_read_as_it_was_written(symbols: list[markers.Symbol]) -> None:
    assert markers.decode(markers.encode(symbols) or "CgIQDA", "before") == (symbols or [12])


@given(st.text(st.sampled_from("ABCgIQDAwefz019_-,=é\0"), max_size=30) | st.binary(max_size=30).map(bytes.hex))
def test_what_is_no_marker_is_refused_and_never_breaks(text: str) -> None:
    try:
        assert isinstance(markers.decode(text, "before"), list)
    except InvalidInputError as error:
        assert error.facts["field"] == "before"  # noqa: PT017


def test_markers_are_those_of_sigopt(api: Api) -> None:
    """PagingMarker(symbols=[PagingSymbol(int_value=ID)]) in base64url without padding."""
    ids = [int(api.experiment(name=f"e{number}")) for number in range(3)]
    page = page_of(api, limit=1, after=markers.encode([ids[0]]))
    assert [item["name"] for item in page["data"]] == ["e1"]
    assert page["paging"] == {"before": markers.encode([ids[1]]), "after": markers.encode([ids[1]])}
    page = page_of(api, limit=2, after=markers.encode([ids[0]]))
    assert page["paging"] == {"before": markers.encode([ids[1]]), "after": None}
    page = page_of(api, limit=2, before=markers.encode([ids[2]]))
    assert page["paging"] == {"before": None, "after": markers.encode([ids[1]])}


def test_links_walk_to_the_end_and_name_the_way_back(api: Api) -> None:
    for number in range(3):
        api.experiment(name=f"e{number}")
    first = api.get("/v1/experiments?limit=2&state=all")
    (link,) = first.headers.getlist("Link")
    address = link.removeprefix("<").partition(">")[0]
    assert link.endswith('>; rel="next"')
    assert "limit=2&state=all&before=" in address
    second = api.get(f"/v1/experiments{address}")
    assert [item["name"] for item in second.json["data"]] == ["e0"]  # type: ignore[index]
    assert [text.partition("; ")[2] for text in second.headers.getlist("Link")] == ['rel="prev"']


def test_a_count_alone_is_a_page_of_nothing(api: Api) -> None:
    api.experiment()
    assert (page_of(api, limit=0, search="nobody")["paging"]) == {"before": None, "after": None}
    for order, way in (("false", "before"), ("true", "after")):
        page = page_of(api, limit=0, ascending=order)
        assert (page["count"], page["data"]) == (1, [])
        assert len(page_of(api, **{"ascending": order, way: page["paging"][way]})["data"]) == 1, way


def test_fields_choose_the_keys_of_a_reply_and_of_each_item_of_a_list(api: Api) -> None:
    experiment = api.experiment(name="e")
    assert api.get(f"/v1/experiments/{experiment}?fields=id,name").json == {"id": experiment, "name": "e"}
    assert page_of(api, fields="name")["data"] == [{"name": "e"}]
    queued = api.post(
        f"/v1/experiments/{experiment}/queued_suggestions", {"assignments": {"x": 0, "y": 0}, "fields": "object"}
    )
    assert queued.json == {"object": "queued_suggestion"}
    assert api.get(f"/v1/experiments/{experiment}?fields=").json["name"] == "e"  # type: ignore[index]
    refused = api.get(f"/v1/experiments/{experiment}?fields=id,nam")
    assert refused.status_code == 400
    assert "Could not find the field `nam` in `experiment`" in refused.json["message"]  # type: ignore[index]
    assert api.get(f"/v1/experiments/{experiment}?fields=tasks").json == {}
    renamed = api.call("PUT", f"/v1/experiments/{experiment}?fields=name", {"name": "new"})
    assert renamed.json == {"name": "new"}
    assert api.call("DELETE", f"/v1/experiments/{experiment}?fields=name").json == {}  # SigOpt's clients send it along


def test_a_caller_who_does_not_look_gets_nothing_to_look_at(api: Api) -> None:
    experiment = api.experiment()
    skip = {"X-Response-Content": "skip"}
    reply = api.call("PUT", f"/v1/experiments/{experiment}", {"name": "new"}, headers=skip)
    assert (reply.status_code, reply.data) == (204, b"")
    assert api.get(f"/v1/experiments/{experiment}").json["name"] == "new"  # type: ignore[index]
    assert api.get("/v1/experiments/999", headers=skip).json["status"] == 404  # type: ignore[index]


def test_what_was_seen_is_not_sent_again(api: Api) -> None:
    path = f"/v1/experiments/{api.experiment()}"
    tag = api.get(path).headers["ETag"]
    same = api.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    api.observe(path.rpartition("/")[2], 0.5, 0.5)
    assert api.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_change_goes_through_unless_somebody_else_has_changed_it(api: Api) -> None:
    experiment = api.experiment()
    path = f"/v1/experiments/{experiment}"
    seen = api.get(path).headers["ETag"]
    api.observe(experiment, 0.5, 0.5)  # a result is no change of the experiment
    assert api.call("PUT", path, {"name": "mine"}, headers={"If-Match": seen}).status_code == 200
    refused = api.call("PUT", path, {"name": "theirs"}, headers={"If-Match": seen})
    assert refused.status_code == 412
    assert refused.json["type"] == "/problems/changed_since"  # type: ignore[index]
    for made_up in ('"made-up"', '""', 'W/"weak"', "bare"):
        assert api.call("DELETE", path, headers={"If-Match": made_up}).status_code == 412, made_up
    assert api.call("DELETE", path, headers={"If-Match": "*"}).status_code == 200
    assert api.call("PUT", "/v1/experiments/999", {}, headers={"If-Match": seen}).status_code == 404


def test_a_refusal_is_a_problem_by_rfc_9457_and_names_the_request(api: Api) -> None:
    reply = api.post("/v1/experiments", {"name": 3}, headers={"X-Request-Id": "mine/1"})
    assert reply.mimetype == "application/problem+json"
    assert reply.headers["X-Request-Id"] == "mine/1"
    answer = reply.json
    assert answer is not None
    assert {
        "type": "/problems/invalid_input",
        "status": 400,
        "instance": "/requests/mine%2F1",
    }.items() <= answer.items()
    assert answer["title"] == PROBLEMS["invalid_input"].title
    assert answer["detail"] == answer["message"]
    assert answer["errors"][0]["pointer"] == "#/name"


def test_a_request_without_a_proper_id_gets_one(api: Api) -> None:
    for given_id in ("", "two words", "x" * 129):
        assert len(api.get("/livez", headers={"X-Request-Id": given_id}).headers["X-Request-Id"]) == 32


def _kinds(base: type[ServiceError]) -> list[type[ServiceError]]:
    return [kind for one in base.__subclasses__() for kind in (one, *_kinds(one))]


def test_every_error_of_the_service_has_its_entry_in_the_catalogue() -> None:
    assert {kind.code for kind in _kinds(ServiceError)} <= set(PROBLEMS)


@pytest.mark.parametrize("path", ["/v1/%00", "/v1/experiments?search=a%00", "/v1/experiments?%00=a"])
def test_a_nul_anywhere_is_refused(api: Api, path: str) -> None:
    reply = api.get(path)
    assert reply.status_code == 400
    assert "NUL" in reply.json["message"]  # type: ignore[index]


def test_scripts_of_other_sites_may_ask_with_a_token_of_theirs(api: Api) -> None:
    preflight = api.app.test_client().options("/v1/experiments", headers={"Origin": "https://example.org"})
    assert preflight.status_code == 200
    assert "MERGE" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    assert "Access-Control-Allow-Origin" not in api.get("/").headers


def test_a_word_of_a_path_is_nobodys_id(api: Api) -> None:
    refused = api.call("PUT", "/v1/experiments/import", {})
    assert (refused.status_code, set(refused.headers["Allow"].split(", "))) == (405, {"OPTIONS", "POST"})


def test_a_batch_may_be_larger_than_other_bodies(api: Api) -> None:
    path = f"/v1/experiments/{api.experiment()}/observations"
    body = {"observations": [], "dry_run": True, "x" * 2**20: 1}
    assert api.post(path, body).status_code == 413
    assert "Unknown json keys" in api.post(f"{path}/batch", body).json["message"]  # type: ignore[index]


def test_nobody_is_asked_for_a_token_before_the_request_can_be_read(api: Api) -> None:
    for unreadable in (b'{"name": inf}', b"{", b"9" * 2_000_000):
        assert api.post("/v1/clients", auth=None, data=unreadable).status_code == 400
    assert api.post("/v1/clients", {"name": "x"}, auth=None).status_code == 401


def test_the_home_page_is_no_endpoint(api: Api) -> None:
    assert api.post("/", data=b"9" * 100).status_code == 404


@pytest.mark.parametrize("list_", ["/v1/experiments", "/v1/aiexperiments", "/v1/clients/CID/projects"])
def test_a_list_of_what_a_user_made_is_empty_and_a_user_is_a_number(api: Api, list_: str) -> None:
    client = api.get("/v1/sessions").json["client"]["id"]  # type: ignore[index]
    api.experiment()
    path = list_.replace("CID", client)
    assert api.get(f"{path}?user=7").json["count"] == 0  # type: ignore[index]
    for wrong in ("abc", "", "1.5"):
        reply = api.get(path, query_string={"user": wrong})
        assert (reply.status_code, reply.json["errors"][0]["field"]) == (400, "user"), wrong  # type: ignore[index]


@pytest.mark.parametrize("given_token", [("ABC\0", ""), ("", ""), "Basic", "Bearer", "Digest a=b", "Bearer a\0b"])
def test_a_token_that_can_be_none_is_refused_as_such(api: Api, given_token: Any) -> None:
    more = {"auth": given_token} if isinstance(given_token, tuple) else {"headers": {"Authorization": given_token}}
    reply = api.get("/v1/sessions", **{"auth": None, **more})
    assert (reply.status_code, reply.json["errors"][0]["field"]) == (400, "Authorization")  # type: ignore[index]
