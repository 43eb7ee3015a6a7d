"""The picture of the front: complete, inside its frame, honest about what it leaves out, safe with any name."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from objectives.metrics import Metric
from service.reports.figures import Figure, pareto_scatter
from service.reports.values import Report
from tests.service.reports.figures.drawn import coordinates, marks, parse, titles
from tests.service.reports.given import COST, GAIN, a_report, beaten, gain_and_cost, options

WIDTH, HEIGHT = 760.0, 440.0
#: What an observation may hold (service.schemas.fields.LARGEST_NUMBER).
FINITE = st.floats(-1e100, 1e100)
ROWS = st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=12)
HOSTILE = "</script></title></text><img src=x onerror=alert(1)>\"'&\x00\u202e"


def draw(report: Report, x: str | None = "cost", y: str = "gain") -> tuple[Figure, ET.Element]:
    figure = pareto_scatter(report, x, y, width=WIDTH, height=HEIGHT, ident="f")
    return figure, parse(figure.svg)


def frame_of(tree: ET.Element) -> tuple[float, float, float, float]:
    xs, ys = coordinates(marks(tree, "axis")[0])
    return min(xs), min(ys), max(xs), max(ys)


@given(ROWS)
@example([(0.0, 0.0)])
@example([(1.0, 5.0), (1.0, 7.0)])
@example([(1e100, -1e100), (-1e100, 1e100)])
@example([(5e-324, 1e-300), (1e-310, 1e100)])
@example([(-3.0, -4.0), (-2.0, -1.0)])
@example([(1.0, 0.0), (-2.8e-180, 0.0)])
def test_every_option_is_drawn_exactly_once_and_inside_the_frame(rows: list[tuple[float, float]]) -> None:
    report = gain_and_cost(rows)
    _, tree = draw(report)
    left, top, right, bottom = frame_of(tree)
    drawn = [element for element in marks(tree, "point") if "front" in (element.get("class") or "")]
    assert len(drawn) == len(rows)
    for element in drawn:
        xs, ys = coordinates(element)
        assert left - 0.02 <= (min(xs) + max(xs)) / 2 <= right + 0.02
        assert top - 2 <= (min(ys) + max(ys)) / 2 <= bottom + 2
    numbers = Counter(title.partition(":")[0] for title in titles(tree))
    assert numbers == Counter(f"Option {number}" for number in range(1, len(rows) + 1))


@given(ROWS, st.lists(st.tuples(FINITE, FINITE), max_size=12), FINITE)
def test_nothing_that_is_drawn_leaves_the_frame(
    rows: list[tuple[float, float]], others: list[tuple[float, float]], limit: float
) -> None:
    metrics = (GAIN, Metric("cost", "minimize", threshold=limit))
    front = options(metrics, rows, stddev=1e6)
    _, tree = draw(a_report(metrics, front, beaten=beaten(metrics, others)))
    left, top, right, bottom = frame_of(tree)
    for kind in ("beaten", "missed", "error", "limit", "rejected", "step", "attained"):
        for element in marks(tree, kind):
            xs, ys = coordinates(element)
            assert all(left - 4 <= x <= right + 4 for x in xs)
            assert all(top - 4 <= y <= bottom + 4 for y in ys)


def test_better_gain_is_higher_and_better_cost_is_further_left() -> None:
    _, tree = draw(gain_and_cost([[9.0, 9.0], [8.0, 2.0], [1.0, 1.0]]))
    places = {link.findtext("title", "")[:8]: coordinates(link[1]) for link in tree.iter("a")}
    middle = {name: (sum(xs) / len(xs), sum(ys) / len(ys)) for name, (xs, ys) in places.items()}
    assert middle["Option 1"][0] > middle["Option 2"][0] > middle["Option 3"][0]
    assert middle["Option 1"][1] < middle["Option 2"][1] < middle["Option 3"][1]


def test_the_recommended_option_is_the_one_star_and_it_is_named() -> None:
    figure, tree = draw(gain_and_cost([[9.0, 9.0], [8.0, 2.0], [1.0, 1.0]]))
    assert len(marks(tree, "star")) == 1
    assert [text.text for text in marks(tree, "chosen")] == ["2 balanced"]
    assert "star" in figure.marks


def test_the_line_is_drawn_for_two_traded_off_metrics_only() -> None:
    metrics = (GAIN, COST, Metric("size", "minimize"))
    _, two = draw(gain_and_cost([[9.0, 9.0], [8.0, 2.0]]))
    figure, three = draw(a_report(metrics, options(metrics, [[9.0, 9.0, 1.0], [8.0, 2.0, 2.0]])))
    assert (len(marks(two, "step")), len(marks(three, "step"))) == (1, 0)
    assert figure.notes == ("An option that looks beaten here wins on size.",)


def test_the_line_goes_through_every_option_and_ends_at_the_threshold() -> None:
    metrics = (GAIN, Metric("cost", "minimize", threshold=10.0))
    front = options(metrics, [[9.0, 9.0], [8.0, 2.0], [1.0, 1.0]])
    _, tree = draw(a_report(metrics, front, beaten=beaten(metrics, [[9.5, 12.0]], missed=("cost",))))
    xs, _ = coordinates(marks(tree, "step")[0])
    limit, _ = coordinates(marks(tree, "limit")[0])
    assert max(xs) == pytest.approx(limit[0])
    assert len(xs) == 1 + len(front)


def test_what_is_beaten_is_hollow_and_what_misses_a_threshold_is_crossed() -> None:
    metrics = (GAIN, Metric("cost", "minimize", threshold=10.0))
    rest = (*beaten(metrics, [[7.0, 3.0]]), *beaten(metrics, [[9.5, 12.0]], missed=("cost",)))
    figure, tree = draw(a_report(metrics, options(metrics, [[9.0, 9.0], [8.0, 2.0]]), beaten=rest))
    assert [element.tag for element in marks(tree, "beaten")] == ["circle"]
    assert [element.tag for element in marks(tree, "missed")] == ["path"]
    assert {"beaten", "missed", "limit"} <= set(figure.marks)


def test_the_refused_side_of_a_threshold_is_shaded() -> None:
    metrics = (GAIN, Metric("cost", "minimize", threshold=10.0))
    rest = beaten(metrics, [[9.5, 12.0]], missed=("cost",))
    _, tree = draw(a_report(metrics, options(metrics, [[9.0, 9.0], [8.0, 2.0]]), beaten=rest))
    limit, _ = coordinates(marks(tree, "limit")[0])
    shaded, _ = coordinates(marks(tree, "rejected")[0])
    assert min(shaded) == pytest.approx(limit[0], abs=0.02)
    assert max(shaded) == pytest.approx(frame_of(tree)[2], abs=0.02)


def test_a_threshold_far_away_is_told_instead_of_drawn() -> None:
    metrics = (GAIN, Metric("cost", "minimize", threshold=1000.0))
    figure, tree = draw(a_report(metrics, options(metrics, [[9.0, 9.0], [8.0, 2.0]])))
    assert marks(tree, "limit") == []
    assert figure.notes == ("The limit of cost (at most 1,000) lies outside of the picture.",)


def test_what_is_far_from_the_front_is_left_out_and_counted() -> None:
    report = gain_and_cost([[9.0, 9.0], [8.0, 2.0]], beaten=beaten((GAIN, COST), [[7.5, 3.0], [-900.0, 3.0]]))
    figure, tree = draw(report)
    assert len(marks(tree, "beaten")) == 1
    assert figure.notes == ("Left out: 1 configuration far from the front or without both values.",)


def test_known_standard_deviations_are_drawn_and_unknown_ones_are_not() -> None:
    front = options((GAIN, COST), [[9.0, 9.0], [8.0, 2.0]], stddev=0.1)
    with_bars, tree = draw(a_report((GAIN, COST), front))
    without, _ = draw(gain_and_cost([[9.0, 9.0], [8.0, 2.0]]))
    assert len(marks(tree, "error")) == 2
    assert "error" in with_bars.marks
    assert "error" not in without.marks


def test_one_metric_is_drawn_over_the_order_of_its_configurations() -> None:
    report = a_report((GAIN,), options((GAIN,), [[9.0]]), beaten=beaten((GAIN,), [[3.0], [4.0]]))
    _, tree = draw(report, x=None)
    assert len(marks(tree, "front")) == 1
    assert "order of the configurations" in "".join(tree.itertext())


def test_hostile_names_are_text_in_a_well_formed_picture() -> None:
    metrics = (Metric(HOSTILE + "a"), Metric(HOSTILE + "b", "minimize", threshold=5.0))
    figure, tree = draw(a_report(metrics, options(metrics, [[9.0, 9.0], [8.0, 2.0]])), HOSTILE + "b", HOSTILE + "a")
    assert {element.tag for element in tree.iter()} <= {
        *("svg", "title", "desc", "defs", "pattern", "path", "rect", "circle", "text", "tspan", "a"),
    }
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on") or name == "style"]
    assert "<img" not in str(figure.svg)


def test_the_picture_is_told_to_those_who_do_not_see_it() -> None:
    _, tree = draw(gain_and_cost([[9.0, 9.0], [8.0, 2.0]]))
    assert tree.get("role") == "img"
    assert tree.get("aria-labelledby") == "f-title f-desc"
    assert tree.findtext("desc") == (
        "2 options of the Pareto front by cost (lower is better) and gain (higher is better)."
        " The star is option 1, balanced. The table of options holds the same values."
    )


def test_names_do_not_cover_one_another() -> None:
    rows = [[9.0 - i * 0.01, 9.0 - i * 0.01] for i in range(40)]
    _, tree = draw(gain_and_cost(rows))
    shown = [element for element in marks(tree, "label") if "chosen" not in (element.get("class") or "")]
    places = [(float(element.attrib["x"]), float(element.attrib["y"])) for element in shown]
    assert all(abs(a[0] - b[0]) > 5 or abs(a[1] - b[1]) > 5 for i, a in enumerate(places) for b in places[:i])
