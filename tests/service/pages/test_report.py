"""The report page: everything a person needs to choose, in words and pictures, for those who may see it."""

from __future__ import annotations

import re
from functools import partial

import pytest

from service.models import Experiment
from tests import stories
from tests.factories import make_client, make_experiment, make_metric, make_rejection
from tests.service.pages.conftest import Site
from tests.service.pages.reading import Page


def page_of(site: Site, path: str) -> Page:
    response = site.get(path)
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    return Page(response.text)


def test_it_opens_with_what_was_found_in_one_sentence(site: Site) -> None:
    page = page_of(site, f"/experiments/{site.tell(stories.digits)}/report")
    assert re.search(
        r"After 48 of 60 trials, 18 options are worth considering; the balanced one reaches accuracy [\d.]+"
        r" at cost_usd [\d.]+ and latency_ms [\d.]+\.",
        page.text,
    )


def test_it_holds_every_part_of_a_decision(site: Site) -> None:
    page = page_of(site, f"/experiments/{site.tell(stories.digits)}/report")
    for part in (
        "What can be had",
        "Recommended",
        "The options",
        "What each gain would cost",
        "Progress",
        "Thresholds",
    ):
        assert part in page.text
    for fact in (
        "latency_ms ≤ 5",
        "inferred",
        "did you mean 'accuracy'?",
        "The front has seen every result",
        "Models fitted",
    ):
        assert fact in page.text


def test_a_gain_that_may_be_none_is_marked_in_the_price_list(site: Site) -> None:
    text = page_of(site, f"/experiments/{site.tell(stories.digits)}/report").text
    assert "within the noise" in text
    assert "Within the noise: a gain smaller than its own standard deviation." in text


def test_the_table_is_the_twin_of_the_plot(site: Site) -> None:
    page = page_of(site, f"/experiments/{site.tell(stories.digits)}/report")
    rows = [f"option-{number}" for number in range(1, 19)]
    assert [id_ for id_ in page.ids() if id_.startswith("option-")] == rows
    drawn = [link for link in page.links() if link.startswith("#option-")]
    assert set(drawn) == {f"#{row}" for row in rows}


def test_no_id_is_used_twice(site: Site) -> None:
    ids = page_of(site, f"/experiments/{site.tell(stories.digits)}/report").ids()
    assert len(set(ids)) == len(ids)


def test_other_pairs_of_metrics_are_a_link_away(site: Site) -> None:
    path = f"/experiments/{site.tell(stories.digits)}/report"
    links = [link for link in page_of(site, path).links() if "?x=" in link]
    assert len(links) == 8
    for link in links:
        assert "Pareto front" in page_of(site, link).text
    assert "Pareto front: cost_usd over model_kb" in page_of(site, f"{path}?x=model_kb&y=cost_usd").text


@pytest.mark.parametrize("query", ["?x=nope&y=nope", "?x=accuracy&y=accuracy", "?x=", "?y=latency_ms", "?x=%FF"])
def test_a_pair_that_cannot_be_drawn_is_replaced_by_one_that_can(site: Site, query: str) -> None:
    page = page_of(site, f"/experiments/{site.tell(stories.digits)}/report{query}")
    shown = re.findall(r"Pareto front: (\w+) over (\w+)", page.text)
    assert shown
    assert all(up != across for up, across in shown)


def test_without_results_it_shows_how_to_report_the_first(site: Site) -> None:
    experiment = site.tell(stories.waiting)
    page = page_of(site, f"/experiments/{experiment}/report")
    assert "Waiting for the first result." in page.text
    assert f"redis-cli -p 1 XADD tradespace:results '*' experiment {experiment} assignments." in page.text


def test_without_a_feasible_result_it_says_what_is_in_the_way(site: Site) -> None:
    page = page_of(site, f"/experiments/{site.tell(stories.infeasible)}/report")
    assert "nothing is feasible yet: 12 of 12 miss latency_ms ≤ 5." in page.text
    assert "Closest to feasible" in page.text


def test_one_metric_has_a_page_too(site: Site) -> None:
    nameless = {**make_metric(""), "name": None}
    experiment = site.tell(lambda session, client: make_experiment(session, client=client, metrics=[nameless]))
    assert "Waiting for the first result." in page_of(site, f"/experiments/{experiment}/report").text


def test_hostile_names_are_text(site: Site) -> None:
    response = site.get(f"/experiments/{site.tell(stories.hostile)}/report")
    page = Page(response.text)
    images = [attributes.get("src") for tag, attributes in page.elements if tag == "img"]
    assert images == ["/assets/icon.svg"]
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [
        {"src": "/assets/report.js", "defer": None}
    ]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "{{7*7}}" in page.text


def test_nothing_on_it_needs_what_the_security_policy_forbids(site: Site) -> None:
    response = site.get(f"/experiments/{site.tell(stories.digits)}/report")
    page = Page(response.text)
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert not [tag for tag, attributes in page.elements if "style" in attributes or tag == "style"]
    outside = [a.get("href") or a.get("src") or "" for _, a in page.elements]
    assert not [address for address in outside if "//" in address]


def test_a_page_is_not_kept_by_caches_that_others_share(site: Site) -> None:
    response = site.get(f"/experiments/{site.tell(stories.digits)}/report")
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_without_a_token_a_browser_is_asked_for_one(site: Site) -> None:
    response = site.http.get(f"/experiments/{site.tell(stories.digits)}/report")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="Tradespace"'
    assert "Who is asking?" in Page(response.text).text
    assert "Digits" not in response.text


def test_an_unknown_token_is_asked_for_again(site: Site) -> None:
    response = site.get(f"/experiments/{site.tell(stories.digits)}/report", token="wrong")
    assert response.status_code == 401
    assert "WWW-Authenticate" in response.headers


def test_an_authorization_that_makes_no_sense_is_a_page_too(site: Site) -> None:
    response = site.http.get("/", headers={"Authorization": "Digest nonsense"})
    assert response.status_code == 400
    assert response.mimetype == "text/html"


def test_another_teams_experiment_does_not_exist(site: Site) -> None:
    def foreign(session, client):  # type: ignore[no-untyped-def]
        return stories.digits(session, make_client(session, "Others"))

    hidden = site.get(f"/experiments/{site.tell(foreign)}/report")
    missing = site.get("/experiments/999999/report")
    assert hidden.status_code == missing.status_code == 404
    assert Page(hidden.text).text.startswith("There is nothing here for you")
    assert "Digits" not in hidden.text


@pytest.mark.parametrize("id_", ["0", "x", "-1", "1.5", "9" * 19, "9" * 5000, "%F0%9F%98%80", "%EF%BC%91"])
def test_an_id_that_nobody_has_is_a_friendly_404(site: Site, id_: str) -> None:
    response = site.get(f"/experiments/{id_}/report")
    assert response.status_code == 404
    assert "There is nothing here for you" in response.text


def test_a_guest_sees_the_shared_experiment_and_stays_a_guest(site: Site) -> None:
    shared, other = site.tell(stories.digits), site.tell(partial(stories.digits, name="Secret"))
    token = site.guest(shared)
    response = site.http.get(f"/experiments/{shared}/report?guest={token}")
    assert response.status_code == 200
    inside = [link for link in Page(response.text).links() if link.startswith("/")]
    assert inside
    assert all(f"guest={token}" in link for link in inside)
    assert site.http.get(f"/experiments/{other}/report?guest={token}").status_code == 404
    assert site.http.get(f"/experiments/{shared}/report?guest=wrong").status_code == 401


def test_its_version_changes_with_what_it_says_and_not_with_the_time(site: Site) -> None:
    experiment = site.tell(stories.digits)

    def version() -> str | None:
        page = page_of(site, f"/experiments/{experiment}/report")
        return next(attributes["data-version"] for tag, attributes in page.elements if tag == "main")

    before = version()
    assert version() == before
    with site.database.write() as session:
        make_rejection(session, session.get_one(Experiment, experiment), "unknown metric")
    assert version() != before


def test_what_the_page_is_dressed_in_is_there_for_everybody(site: Site) -> None:
    for name, kind in (("tradespace.css", "text/css"), ("icon.svg", "image/svg+xml"), ("report.js", "text/javascript")):
        response = site.http.get(f"/assets/{name}")
        assert (response.status_code, response.mimetype) == (200, kind)
        response.close()


def test_a_page_that_was_seen_is_not_sent_again(site: Site) -> None:
    path = f"/experiments/{site.tell(stories.digits)}/report"
    tag = site.get(path).headers["ETag"]
    again = site.http.get(path, auth=(site.token, ""), headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
