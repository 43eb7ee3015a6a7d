"""The list of experiments: the caller's own, newest first, each with its report a link away."""

from __future__ import annotations

from functools import partial

from tests import stories
from tests.factories import make_client
from tests.service.pages.conftest import Site
from tests.service.pages.reading import Page


def test_it_lists_the_teams_experiments_newest_first(site: Site) -> None:
    first, second = site.tell(stories.digits), site.tell(stories.waiting)
    page = Page(site.get("/").text)
    assert [link for link in page.links() if link.endswith("/report")] == [
        f"/experiments/{second}/report",
        f"/experiments/{first}/report",
    ]
    assert "Digits classifier" in page.text
    assert "48 of 60 trials 18 options" in page.text


def test_it_shows_nothing_of_other_teams(site: Site) -> None:
    site.tell(lambda session, _: stories.digits(session, make_client(session, "Others")))
    assert "Digits" not in site.get("/").text


def test_a_team_without_experiments_is_shown_how_to_make_one(site: Site) -> None:
    page = Page(site.get("/").text)
    assert "No experiment yet" in page.text
    assert "curl -u TOKEN:" in page.text


def test_a_guest_sees_only_what_is_shared(site: Site) -> None:
    shared = site.tell(stories.digits)
    site.tell(partial(stories.digits, name="Secret"))
    token = site.guest(shared)
    response = site.http.get(f"/?guest={token}")
    assert response.status_code == 200
    assert "Secret" not in response.text
    assert f"/experiments/{shared}/report?guest={token}" in Page(response.text).links()


def test_without_a_token_a_browser_is_asked_for_one(site: Site) -> None:
    response = site.http.get("/")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="Tradespace"'


def test_hostile_names_are_text(site: Site) -> None:
    site.tell(stories.hostile)
    page = Page(site.get("/").text)
    assert [attributes.get("src") for tag, attributes in page.elements if tag == "img"] == ["/assets/icon.svg"]
