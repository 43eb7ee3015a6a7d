"""The report page as a person sees it: nothing refused, nothing empty, nothing cut off; light, dark, wide, narrow."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator

from service.models import Refresh
from tests.browser.conftest import STORIES, Looker, Served

pytestmark = pytest.mark.browser

#: How many options and how many other configurations each story's plot shows at the least.
POINTS = {"digits": (18, 15), "two_metrics": (18, 30), "infeasible": (0, 12), "hostile": (6, 1)}


def boxes(found: Locator) -> list[dict[str, Any]]:
    """Where these elements are on the screen."""
    measured: list[dict[str, Any]] = found.evaluate_all(
        "all => all.map(e => { const b = e.getBoundingClientRect();"
        " return {left: b.left, top: b.top, right: b.right, bottom: b.bottom, width: b.width, height: b.height} })"
    )
    return measured


def contrast(reader: Looker, selector: str) -> float:
    """The contrast of a text against what lies behind it (WCAG 2.2)."""
    ratio: float = reader.page.locator(selector).first.evaluate(
        """element => {
          const parse = text => text.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
          let behind = element;
          const filled = e => { const c = parse(getComputedStyle(e).backgroundColor); return c.length < 4 || c[3] > 0 };
          while (!filled(behind)) behind = behind.parentElement;
          const style = getComputedStyle(element);
          const front = light(parse(element instanceof SVGElement ? style.fill : style.color));
          const back = light(parse(getComputedStyle(behind).backgroundColor));
          return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        }"""
    )
    return ratio


@pytest.mark.parametrize("story", STORIES)
def test_the_page_is_complete_and_nothing_on_it_leaves_its_place(looker: Looker, served: Served, story: str) -> None:
    response = looker.page.goto(served.report(story))
    assert response is not None
    assert response.status == 200
    assert looker.page.locator("h1").is_visible()
    wide = looker.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]
    if story in POINTS:
        _check_plot(looker.page.locator("svg.scatter:visible"), *POINTS[story])


def _check_plot(plot: Locator, options: int, others: int) -> None:
    (frame,) = boxes(plot)
    assert frame["width"] > 250
    assert frame["height"] > 250
    front, rest = boxes(plot.locator(".point.front")), boxes(plot.locator(".point.beaten, .point.missed"))
    assert len(front) == options
    assert len(rest) >= others
    for mark in (*front, *rest, *boxes(plot.locator("text"))):
        assert mark["width"] > 0
        assert mark["height"] > 0
        assert frame["left"] - 1 <= mark["left"] <= mark["right"] <= frame["right"] + 1
        assert frame["top"] - 1 <= mark["top"] <= mark["bottom"] <= frame["bottom"] + 1


def test_marks_have_colours_that_differ_from_what_lies_behind_them(reader: Looker, served: Served) -> None:
    reader.page.goto(served.report("digits"))
    colours = reader.page.locator("svg.scatter:visible").evaluate(
        "svg => ['.front:not(.star)', '.star', '.beaten', '.limit'].map(s => { const e = svg.querySelector(s);"
        " const style = getComputedStyle(e); return style.fill === 'none' ? style.stroke : style.fill })"
        ".concat(getComputedStyle(svg.closest('.panel')).backgroundColor)"
    )
    assert len(set(colours)) == len(colours)


def test_text_can_be_read(reader: Looker, served: Served) -> None:
    reader.page.goto(served.report("digits"))
    texts = ("h1", ".quiet", "dd", ".chip", ".tag", "td .best", ".note", "a.number", ".recommended h3")
    faint = {selector: ratio for selector in texts if (ratio := contrast(reader, selector)) < 4.5}
    assert faint == {}
    assert contrast(reader, "svg.scatter:visible .tick") >= 4.5


def test_a_click_on_an_option_leads_to_its_row(reader: Looker, served: Served) -> None:
    reader.page.goto(served.report("digits"))
    reader.page.locator("svg.scatter:visible a[href='#option-3'] .point").click(force=True)
    assert reader.page.url.endswith("#option-3")
    assert reader.page.locator("#option-3").is_visible()


def test_other_metrics_can_be_chosen(reader: Looker, served: Served) -> None:
    reader.page.goto(served.report("digits"))
    reader.page.locator(".axes > div").first.get_by_role("link", name="cost_usd").click()
    reader.page.wait_for_url("**y=cost_usd**")
    assert reader.page.locator("svg.scatter:visible > title").text_content() == "Pareto front: cost_usd over latency_ms"


def test_the_keyboard_reaches_the_content_and_shows_where_it_is(reader: Looker, served: Served) -> None:
    reader.page.goto(served.report("digits"))
    reader.page.keyboard.press("Tab")
    focused = reader.page.locator(":focus")
    assert focused.text_content() == "Skip to content"
    assert boxes(focused)[0]["left"] >= 0
    assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_hostile_names_run_nothing_and_are_read_as_they_are(reader: Looker, served: Served) -> None:
    dialogs: list[str] = []
    reader.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    reader.page.goto(served.report("hostile"))
    assert dialogs == []
    assert reader.page.locator("img[src='x']").count() == 0
    assert "</script></title></text><img src=x onerror=alert(1)>" in reader.page.title()


def test_without_data_there_is_a_line_to_copy_and_no_empty_plot(reader: Looker, served: Served) -> None:
    reader.page.goto(served.report("waiting"))
    assert reader.page.locator("svg.scatter").count() == 0
    line = reader.page.locator("pre.copy code")
    assert line.evaluate("e => getComputedStyle(e).userSelect") == "all"
    assert (line.text_content() or "").startswith("redis-cli ")


def test_the_list_of_experiments_leads_to_a_report(reader: Looker, served: Served) -> None:
    reader.page.goto(f"{served.url}/")
    reader.page.get_by_role("link", name="Digits classifier").click()
    reader.page.wait_for_url("**/report")
    assert reader.page.locator("svg.scatter:visible").count() == 1


def test_an_open_page_shows_what_is_new_without_being_asked(reader: Looker, served: Served) -> None:
    reader.page.clock.install()
    reader.page.goto(served.report("live"))
    assert "Waiting for the first result." in (reader.page.locator("h1").text_content() or "")
    with served.database.write() as session:
        refresh = session.get_one(Refresh, served.experiments["live"])
        refresh.observation_count, refresh.data_generation = 2, refresh.data_generation + 1
    reader.page.clock.fast_forward(6_000)
    reader.page.get_by_role("heading", name="2 results are there; the first front is being worked out.").wait_for()
    with served.database.write() as session:
        session.get_one(Refresh, served.experiments["live"]).observation_count = 0


def test_on_paper_everything_is_there(chromium: Browser, served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    context = chromium.new_context(extra_http_headers=headers, color_scheme="dark")
    page = context.new_page()
    page.goto(served.report("digits"))
    page.emulate_media(media="print")
    assert page.locator(".scroll").evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")
    context.close()


def test_the_way_out_of_a_signed_in_page_fits_in_a_hand(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    page.goto(f"{served.url}/login")
    page.get_by_label("API token").fill(served.token)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served.url}/")
    page.goto(served.report("digits"))
    button = page.get_by_role("button", name="Sign out").bounding_box()
    context.close()
    assert button is not None
    assert button["x"] + button["width"] <= 360 - 8
