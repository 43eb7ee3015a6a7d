"""The curve of progress rises, stays inside its frame and is told in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.reports.figures import progress_curve
from service.reports.figures.progress import describe, shares
from service.reports.values import Milestone
from tests.service.reports.figures.drawn import coordinates, marks, parse
from tests.service.reports.given import a_report

RISING = st.lists(st.tuples(st.integers(1, 50), st.floats(0.001, 1e9)), min_size=1, max_size=30).map(
    lambda steps: tuple(
        Milestone(sum(count for count, _ in steps[: i + 1]), sum(size for _, size in steps[: i + 1]))
        for i in range(len(steps))
    )
)


@given(RISING, st.integers(0, 100), st.none() | st.integers(1, 3000))
def test_the_curve_rises_and_stays_inside(milestones: tuple[Milestone, ...], more: int, budget: int | None) -> None:
    report = a_report(milestones=milestones, observations=milestones[-1].observations + more, budget=budget)
    svg = progress_curve(report, width=360, height=200, ident="p")
    assert svg is not None
    xs, ys = coordinates(marks(parse(svg), "step")[0])
    assert xs == sorted(xs)
    assert ys == sorted(ys, reverse=True)
    assert 44 <= min(xs) <= max(xs) <= 344.01
    assert 16 <= min(ys) <= max(ys) <= 166.01


def test_without_a_hypervolume_there_is_no_curve() -> None:
    assert progress_curve(a_report(), width=360, height=200, ident="p") is None
    assert progress_curve(a_report(milestones=(Milestone(3, 0.0),)), width=360, height=200, ident="p") is None


def test_the_newest_is_the_whole() -> None:
    assert shares((Milestone(2, 1.0), Milestone(5, 4.0)))[-1] == (5, 1.0)


def test_the_words_say_when_half_was_there_and_whether_it_still_grows() -> None:
    assert describe([(1, 1.0)], 1) == (
        "Half of today's front was reached after 1 result, and 90 % after 1; the newest result added to it."
    )
    assert describe([(2, 0.6), (9, 1.0)], 10).endswith("the last 1 result added nothing.")
