"""The picture of the trade-off: the Pareto front over two metrics, with what it beats and what its thresholds refuse.

Every option of the front that has both values is drawn exactly once. Of the rest, what lies far from the front is left
out and counted in the note below. The line (what was attained) is drawn only if the two metrics are all that is traded
off: with a third one it would not be the front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from service.reports.figures.axes import CHARACTER, Axis, Frame, axis_of, draw_axes, window
from service.reports.figures.labels import Box, Label, place
from service.reports.figures.marks import BEATEN_RADIUS, FRONT_RADIUS, STAR_RADIUS, cross, dot, hollow, star
from service.reports.figures.scales import Scale
from service.reports.figures.svg import element, number
from service.reports.numbers import brief, label, plural
from service.reports.values import Beaten, Option, Pick, Report, Value

__all__ = ["Figure", "pareto_scatter"]


#: Half the length in pixels of the caps of an error bar.
CAP: Final = 3.0
#: Up to this many options all of them are named in the picture.
NAMED: Final = 50
#: An option with its pixels.
_Drawn = tuple[Option, tuple[float, float]]


@dataclass(frozen=True)
class Figure:
    """A picture with the marks its legend must explain and the sentences that belong below it."""

    svg: Markup
    marks: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Plane:
    """Both axes with their scales, inside the frame."""

    report: Report
    across: Axis
    up: Axis
    x: Scale
    y: Scale
    frame: Frame

    def values(self, configuration: int) -> tuple[Value, Value] | None:
        """The two values of a configuration, None if one was not measured."""
        x, y = self.across.values.get(configuration), self.up.values.get(configuration)
        return None if x is None or y is None else (x, y)

    def pixels(self, configuration: int) -> tuple[float, float] | None:
        """Where it is drawn; None if it is not measured or outside of the picture."""
        values = self.values(configuration)
        if values is None or not (self.x.holds(values[0].mean) and self.y.holds(values[1].mean)):
            return None
        return self.x(values[0].mean), self.y(values[1].mean)


def pareto_scatter(report: Report, x: str | None, y: str, *, width: float, height: float, ident: str) -> Figure:
    """The front over metrics `x` (None: the order of configurations) and `y`, `width` by `height` pixels.

    `ident` begins the ids inside, so that several pictures fit on one page.
    """
    plane = _plane(report, axis_of(report, x), axis_of(report, y), width, height)
    rest = [(point, where) for point in report.beaten if (where := plane.pixels(point.configuration_id))]
    front = [(point, where) for point in report.options if (where := plane.pixels(point.configuration_id))]
    step = _step(plane, [where for _, where in front]) if _is_whole_front(plane) else Markup("")
    bars = Markup("").join(_error_bars(plane, option, where) for option, where in front)
    shades = Markup("").join(_shade(plane, ident, vertical=vertical) for vertical in (True, False))
    limits = Markup("").join(_limit(plane, vertical=vertical) for vertical in (True, False))
    svg = element(
        "svg",
        element("title", f"Pareto front: {plane.up.name} over {plane.across.name}", id=f"{ident}-title"),
        element("desc", _description(report, plane, len(front)), id=f"{ident}-desc"),
        _hatch(ident),
        shades,
        draw_axes((plane.across, plane.x), (plane.up, plane.y), plane.frame),
        limits,
        *(_rest_mark(point, where) for point, where in rest),
        step,
        bars,
        *_front_marks(plane, front, [Box.around(*where, BEATEN_RADIUS) for _, where in rest]),
        class_="fig scatter",
        role="img",
        aria_labelledby=f"{ident}-title {ident}-desc",
        viewBox=f"0 0 {number(width)} {number(height)}",
    )
    drawn = {"front": front, "limit": limits, "step": step, "error": bars}
    marks = _legend(report, [point for point, _ in rest], drawn)
    return Figure(svg, marks, _notes(plane, len(report.options) - len(front), len(report.beaten) - len(rest)))


def _plane(report: Report, across: Axis, up: Axis, width: float, height: float) -> _Plane:
    front = {option.configuration_id for option in report.options}
    x_low, x_high, x_log = _window(across, front)
    y_low, y_high, y_log = _window(up, front)
    y = Scale(y_low, y_high, start=height - 52, end=40, log=y_log)
    widest = max(len(text) for text in y.labels(y.ticks(max(2, round((height - 92) / 55)))) or ("",))
    frame = Frame(left=18 + widest * CHARACTER, top=40, right=width - 16, bottom=height - 52)
    x = Scale(x_low, x_high, start=frame.left, end=frame.right, log=x_log)
    return _Plane(report, across, up, x, y, frame)


def _window(axis: Axis, front: set[int]) -> tuple[float, float, bool]:
    on_front = [value.mean for configuration, value in axis.values.items() if configuration in front]
    others = [value.mean for configuration, value in axis.values.items() if configuration not in front]
    if axis.sign == 0 and not others:
        return window(on_front, [], None)
    return window(on_front, others, axis.threshold)


def _is_whole_front(plane: _Plane) -> bool:
    """Whether the two metrics are all that is traded off."""
    return {label(metric.name) for metric in plane.report.optimized} == {plane.across.name, plane.up.name}


def _rest_mark(point: Beaten, where: tuple[float, float]) -> Markup:
    return cross(*where) if point.missed else hollow(*where)


def _step(plane: _Plane, points: Sequence[tuple[float, float]]) -> Markup:
    """The edge of the attained region, and the region: stairs between the options, out to the worst acceptable."""
    if not points:
        return Markup("")
    worse_x, worse_y = _worst(plane.across, plane.x), _worst(plane.up, plane.y)
    ordered = sorted(points, key=lambda point: abs(point[0] - worse_x))
    stairs = [f"M{number(worse_x)} {number(ordered[0][1])}H{number(ordered[0][0])}"]
    stairs += [f"V{number(end[1])}H{number(end[0])}" for _, end in pairwise(ordered)]
    stairs.append(f"V{number(worse_y)}")
    edge = "".join(stairs)
    region = element("path", class_="attained", d=f"{edge}H{number(worse_x)}Z")
    return region + element("path", class_="step", d=edge)


def _worst(axis: Axis, scale: Scale) -> float:
    """The pixel of the worst that is still acceptable: the threshold, or where the picture ends."""
    end = scale.low if axis.sign > 0 else scale.high
    return scale(axis.threshold if axis.threshold is not None and scale.holds(axis.threshold) else end)


def _error_bars(plane: _Plane, option: Option, where: tuple[float, float]) -> Markup:
    """One standard deviation either way where it is known and longer than the mark, cut off at the frame."""
    values = plane.values(option.configuration_id)
    if values is None:
        return Markup("")
    (x, y), path = where, ""
    left, right = _reach(plane.x, values[0])
    low, high = _reach(plane.y, values[1])
    if abs(right - left) > 2 * FRONT_RADIUS:
        path += f"M{number(left)} {number(y)}H{number(right)}"
        path += "".join(f"M{number(end)} {number(y - CAP)}V{number(y + CAP)}" for end in (left, right))
    if abs(high - low) > 2 * FRONT_RADIUS:
        path += f"M{number(x)} {number(low)}V{number(high)}"
        path += "".join(f"M{number(x - CAP)} {number(end)}H{number(x + CAP)}" for end in (low, high))
    return element("path", class_="error", d=path) if path else Markup("")


def _reach(scale: Scale, value: Value) -> tuple[float, float]:
    """The pixels one standard deviation below and above a value."""
    stddev = value.stddev or 0.0
    return scale.clamped(value.mean - stddev), scale.clamped(value.mean + stddev)


def _limit(plane: _Plane, *, vertical: bool) -> Markup:
    """The threshold of one axis as a line."""
    axis, scale, frame = (plane.across, plane.x, plane.frame) if vertical else (plane.up, plane.y, plane.frame)
    if axis.threshold is None or not scale.holds(axis.threshold):
        return Markup("")
    at = number(scale(axis.threshold))
    line = f"M{at} {frame.top}V{frame.bottom}" if vertical else f"M{frame.left} {at}H{frame.right}"
    return element("path", class_="limit", d=line)


def _shade(plane: _Plane, ident: str, *, vertical: bool) -> Markup:
    """The side that the threshold of one axis refuses, shaded and hatched."""
    axis, scale, frame = (plane.across, plane.x, plane.frame) if vertical else (plane.up, plane.y, plane.frame)
    if axis.threshold is None or not scale.holds(axis.threshold):
        return Markup("")
    near, far = sorted((scale(axis.threshold), scale(scale.low if axis.sign > 0 else scale.high)))
    width, height = frame.right - frame.left, frame.bottom - frame.top
    box = {"x": frame.left, "y": near, "width": width, "height": far - near}
    if vertical:
        box = {"x": near, "y": frame.top, "width": far - near, "height": height}
    shade = element("rect", class_="rejected", **box)
    return shade + element("rect", class_="hatched", fill=f"url(#{ident}-hatch)", **box)


def _hatch(ident: str) -> Markup:
    pattern = element(
        "pattern",
        element("path", class_="hatch", d="M0 8L8 0"),
        id=f"{ident}-hatch",
        width=8.0,
        height=8.0,
        patternUnits="userSpaceOnUse",
    )
    return element("defs", pattern)


def _front_marks(plane: _Plane, front: Sequence[_Drawn], avoid: Sequence[Box]) -> Iterator[Markup]:
    """The options, the recommended one last and so on top; then the names for which there is room, its own first."""
    pick = plane.report.advice.recommended
    chosen = pick.option if pick else None
    ordered = sorted(front, key=lambda drawn: drawn[0].number == chosen)
    for option, where in ordered:
        yield _option_mark(plane, option, where, is_chosen=option.number == chosen)
    named = [drawn for drawn in reversed(ordered) if _is_named(plane.report, drawn[0])]
    names = [_name(option, where, pick) for option, where in named]
    taken = [Box.around(*where, FRONT_RADIUS) for _, where in front]
    for (option, _), found in zip(named, place(names, taken, plane.frame, avoid=avoid), strict=True):
        if found:
            yield _text(found, is_chosen=option.number == chosen)


def _is_named(report: Report, option: Option) -> bool:
    """Whether there is room for its name: among very many options only those that were picked."""
    return len(report.options) <= NAMED or any(pick.option == option.number for pick in report.advice.picks)


def _name(option: Option, where: tuple[float, float], pick: Pick | None) -> tuple[str, float, float, float]:
    if pick and pick.option == option.number:
        return f"{option.number} {pick.title}", *where, STAR_RADIUS
    return str(option.number), *where, FRONT_RADIUS


def _option_mark(plane: _Plane, option: Option, where: tuple[float, float], *, is_chosen: bool) -> Markup:
    mark = star(*where) if is_chosen else dot(*where)
    told = ", ".join(
        f"{label(metric.name)} {_told(option.values[metric.name])}"
        for metric in plane.report.ordered_metrics
        if metric.name in option.values
    )
    tip = element("title", f"Option {option.number}: {told}")
    return element("a", tip, mark, href=f"#option-{option.number}", tabindex="-1")


def _told(value: Value) -> str:
    return brief(value.mean, 4) + (f" ± {brief(value.stddev, 2)}" if value.stddev else "")


def _text(name: Label, *, is_chosen: bool) -> Markup:
    kind = "label chosen" if is_chosen else "label"
    return element("text", name.text, class_=kind, x=name.x, y=name.y, text_anchor=name.anchor)


def _legend(report: Report, rest: Sequence[Beaten], drawn: Mapping[str, object]) -> tuple[str, ...]:
    present = {kind for kind, marks in drawn.items() if marks}
    present |= {"missed" if point.missed else "beaten" for point in rest}
    if report.advice.recommended and "front" in present:
        present.add("star")
    return tuple(kind for kind in ("star", "front", "beaten", "missed", "step", "limit", "error") if kind in present)


def _description(report: Report, plane: _Plane, drawn: int) -> str:
    axes = (plane.across, plane.up)
    sides = " and ".join(f"{axis.name} ({axis.better})" if axis.better else axis.name for axis in axes)
    start = f"{plural(drawn, 'option')} of the Pareto front by {sides}."
    pick = report.advice.recommended
    star_text = f" The star is option {pick.option}, {pick.title}." if pick else ""
    return f"{start}{star_text} The table of options holds the same values."


def _notes(plane: _Plane, unmeasured: int, outside: int) -> tuple[str, ...]:
    notes = []
    if plane.report.options and not _is_whole_front(plane) and len(plane.report.optimized) > 2:
        others = [m.name for m in plane.report.optimized if m.name not in (plane.across.name, plane.up.name)]
        notes.append(f"An option that looks beaten here wins on {' or '.join(others)}.")
    if unmeasured:
        notes.append(f"{plural(unmeasured, 'option')} without both values cannot be drawn here.")
    if outside:
        notes.append(f"Left out: {plural(outside, 'configuration')} far from the front or without both values.")
    for axis, scale in ((plane.across, plane.x), (plane.up, plane.y)):
        if axis.threshold is not None and not scale.holds(axis.threshold):
            sign = "at least" if axis.sign > 0 else "at most"
            notes.append(f"The limit of {axis.name} ({sign} {brief(axis.threshold, 4)}) lies outside of the picture.")
    return tuple(notes)
