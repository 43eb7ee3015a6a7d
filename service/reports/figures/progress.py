"""The picture of progress: how much of today's front was there after how many results.

The height is the hypervolume (the size of the region the front has attained) as a share of the newest one, all measured
against one reference point, since otherwise the heights could not be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from markupsafe import Markup

from service.reports.figures.axes import Frame
from service.reports.figures.scales import Scale
from service.reports.figures.svg import element, number
from service.reports.numbers import plural
from service.reports.values import Milestone, Report

__all__ = ["progress_curve", "shares"]


def shares(milestones: Sequence[Milestone]) -> list[tuple[int, float]]:
    """(observations, share of the newest hypervolume) of the milestones; empty while there is no hypervolume.

    >>> shares([Milestone(3, 1.0), Milestone(9, 4.0)])
    [(3, 0.25), (9, 1.0)]
    """
    top = milestones[-1].hypervolume if milestones else 0.0
    if not top > 0:
        return []
    return [(m.observations, min(max(m.hypervolume / top, 0.0), 1.0)) for m in milestones]


def progress_curve(report: Report, *, width: float, height: float, ident: str) -> Markup | None:
    """The curve `width` by `height` pixels; None while there is nothing to measure."""
    points = shares(report.milestones)
    if not points:
        return None
    frame = Frame(left=44, top=16, right=width - 16, bottom=height - 34)
    last = max(report.observations, points[-1][0], 1)
    x = Scale(0.0, float(max(last, report.budget or 0)), start=frame.left, end=frame.right)
    y = Scale(0.0, 1.0, start=frame.bottom, end=frame.top)
    return element(
        "svg",
        element("title", "Progress", id=f"{ident}-title"),
        element("desc", describe(points, last), id=f"{ident}-desc"),
        *_grid(x, y, frame),
        *_curve(points, last, x, y),
        _budget(report.budget, x, frame),
        element("circle", class_="point front", cx=x(last), cy=y(points[-1][1]), r=4.0),
        class_="fig progress",
        role="img",
        aria_labelledby=f"{ident}-title {ident}-desc",
        viewBox=f"0 0 {number(width)} {number(height)}",
    )


def describe(points: Sequence[tuple[int, float]], last: int) -> str:
    """The curve in words.

    >>> describe([(4, 0.2), (10, 0.6), (30, 1.0)], 48)
    "Half of today's front was reached after 10 results, and 90 % after 30; the last 18 results added nothing."
    """
    half = next(count for count, share in points if share >= 0.5)
    most = next(count for count, share in points if share >= 0.9)
    since = last - points[-1][0]
    tail = f"; the last {plural(since, 'result')} added nothing" if since else "; the newest result added to it"
    return f"Half of today's front was reached after {plural(half, 'result')}, and 90 % after {most}{tail}."


def _grid(x: Scale, y: Scale, frame: Frame) -> Iterator[Markup]:
    for share in (0.0, 0.5, 1.0):
        yield element("path", class_="grid", d=f"M{frame.left} {number(y(share))}H{frame.right}")
        yield element("text", f"{share:.0%}", class_="tick", x=frame.left - 8, y=y(share) + 4, text_anchor="end")
    whole = sorted({round(tick) for tick in x.ticks(max(2, round((frame.right - frame.left) / 80)))})
    for tick in whole:
        yield element("text", f"{tick:,}", class_="tick", x=x(tick), y=frame.bottom + 20, text_anchor="middle")


def _curve(points: Sequence[tuple[int, float]], last: int, x: Scale, y: Scale) -> Iterator[Markup]:
    path = f"M{number(x(points[0][0]))} {number(y(points[0][1]))}"
    path += "".join(f"H{number(x(count))}V{number(y(share))}" for _, (count, share) in pairwise(points))
    path += f"H{number(x(last))}"
    base = number(y(0.0))
    yield element("path", class_="attained", d=f"{path}V{base}H{number(x(points[0][0]))}Z")
    yield element("path", class_="step", d=path)


def _budget(budget: int | None, x: Scale, frame: Frame) -> Markup:
    if not budget:
        return Markup("")
    at = number(x(budget))
    return element("path", class_="budget", d=f"M{at} {frame.top}V{frame.bottom}")
