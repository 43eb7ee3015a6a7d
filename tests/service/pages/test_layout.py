"""What the report page holds, made of a report by hand."""

from __future__ import annotations

from service.pages.layout import Step, page
from tests.service.reports.given import COST, GAIN, a_report, options

#: From 5 to 4 next to nothing is gained at a high price; from 2 to 1 a clear gain costs ten times what others do.
FRONT = [[14.0, 60.0], [11.0, 9.0], [8.0, 6.0], [5.001, 3.0], [5.0, 1.0], [1.0, 0.5]]


def steps(stddev: float | None) -> dict[tuple[int, int], Step]:
    report = a_report(front=options((GAIN, COST), FRONT, stddev))
    shown = page(report, x="cost", y="gain", link=lambda x, y: f"?x={x}&y={y}", redis_url="redis://127.0.0.1:1/0")
    return {(step.start, step.end): step for step in shown["prices"]}


def test_a_price_far_above_the_others_is_called_steep() -> None:
    assert [pair for pair, step in steps(None).items() if step.is_steep] == [(5, 4), (2, 1)]


def test_a_gain_within_the_noise_is_never_steep_and_prices_no_other() -> None:
    found = steps(0.1)
    assert [pair for pair, step in found.items() if step.is_noise] == [(5, 4)]
    assert [pair for pair, step in found.items() if step.is_steep] == [(2, 1)]
    assert found[2, 1].bar != steps(None)[2, 1].bar, "the longest bar is that of the dearest clear gain"
