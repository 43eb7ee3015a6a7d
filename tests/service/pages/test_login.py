"""Signing in: with a token, once; a cookie that nobody else can make, read or use; and out again."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from service.models import Token
from tests import stories
from tests.service.pages.conftest import Site
from tests.service.pages.reading import Page

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def csrf(response: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', response.text)
    assert found is not None, response.text
    return found[1]


def sign_in(site: Site, token: str | None = None, **more: str) -> TestResponse:
    given = {"csrf_token": csrf(site.http.get("/login")), "token": token or site.token, **more}
    return site.http.post("/login", data=given)


def cookie_of(response: TestResponse) -> str:
    return next(line for line in response.headers.getlist("Set-Cookie") if line.startswith("tradespace="))


def test_a_browser_is_sent_to_the_form_and_from_there_to_where_it_wanted(site: Site) -> None:
    report = f"/experiments/{site.tell(stories.digits)}/report?x=accuracy"
    sent = site.http.get(report, headers=BROWSER)
    assert sent.status_code == 303
    form = site.http.get(sent.location)
    assert form.status_code == 200
    done = site.http.post(
        "/login",
        data={
            "csrf_token": csrf(form),
            "token": site.token,
            "next": re.search(r'name="next" value="([^"]+)"', form.text)[1],
        },  # type: ignore[index]
    )
    assert (done.status_code, done.location) == (303, report)
    assert "Digits classifier" in site.http.get(report, headers=BROWSER).text


def test_the_list_says_who_has_signed_in_and_offers_to_sign_out(site: Site) -> None:
    sign_in(site)
    page = site.http.get("/")
    assert "Signed in as A team · reader" in Page(page.text).text
    out = site.http.post("/logout", data={"csrf_token": csrf(page)})
    assert (out.status_code, out.location) == (303, "/login")
    assert site.http.get("/", headers=BROWSER).location == "/login?next=/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    kept = cookie_of(sign_in(site))
    assert "HttpOnly" in kept
    assert "SameSite=Lax" in kept
    assert "Secure" not in kept
    secure = site.http.get("/login", base_url="https://localhost")
    assert "Secure" in cookie_of(secure)


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_a_form_of_another_site_is_refused(site: Site, path: str) -> None:
    sign_in(site)
    for data in ({}, {"csrf_token": "0" * 64}):
        response = site.http.post(path, data={"token": site.token, **data})
        assert response.status_code == 400
        assert "form has expired" in response.text
    assert site.http.get("/", headers=BROWSER).status_code == 200


def test_the_number_of_a_form_ends_with_its_visit(site: Site) -> None:
    before = csrf(site.http.get("/login"))
    sign_in(site)
    assert site.http.post("/logout", data={"csrf_token": before}).status_code == 400


@pytest.mark.parametrize("given", ["wrong", "", "ts_" + "a" * 38])
def test_a_wrong_token_is_told_on_the_form(site: Site, given: str) -> None:
    response = site.http.post("/login", data={"csrf_token": csrf(site.http.get("/login")), "token": given})
    assert response.status_code in (400, 403)
    assert 'role="alert"' in response.text
    assert site.http.get("/", headers=BROWSER).status_code == 303


def test_nobody_is_led_away_by_a_link_to_the_form(site: Site) -> None:
    for elsewhere in (
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "javascript:alert(1)",
    ):
        assert sign_in(site, next=elsewhere).location == "/"


def test_a_cookie_that_was_changed_opens_nothing(site: Site) -> None:
    value = cookie_of(sign_in(site)).split(";")[0].removeprefix("tradespace=")
    site.http.set_cookie("tradespace", value[:9] + ("a" if value[9] != "a" else "b") + value[10:])
    assert site.http.get("/", headers=BROWSER).status_code == 303


def test_an_ended_token_ends_every_visit(site: Site) -> None:
    sign_in(site)
    with site.database.write() as session:
        for row in session.query(Token):
            row.revoked_at = site.database.now(session)
    assert site.http.get("/", headers=BROWSER).location == "/login?next=/"


def test_the_api_does_not_look_at_the_cookie(site: Site) -> None:
    sign_in(site)
    assert site.http.get("/v1/experiments").status_code == 401


def test_after_five_wrong_attempts_in_ten_minutes_the_next_is_refused(site: Site) -> None:
    assert {sign_in(site).status_code for _ in range(6)} == {303}
    replies = [sign_in(site, "wrong").status_code for _ in range(6)]
    assert replies == [403] * 5 + [429]
    late = sign_in(site)
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 601


def test_a_session_made_over_the_api_opens_the_pages(site: Site) -> None:
    made = site.http.post("/v1/sessions", json={"token": site.token})
    assert made.json is not None
    assert made.json["object"] == "session"
    assert "Signed in as" in site.http.get("/").text


def test_the_database_does_not_hold_what_the_cookie_holds(site: Site) -> None:
    sign_in(site)
    with site.database.read() as session:
        dump = "\n".join(session.connection().connection.driver_connection.iterdump())  # type: ignore[union-attr]
    assert site.token not in dump
