"""The frame of a picture and its axes: which metric, which part of it, its ticks and its title."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from service.reports.figures.scales import LOG_FROM, NOTHING, Scale, padded
from service.reports.figures.svg import clip, element
from service.reports.numbers import label
from service.reports.values import Report, Value

__all__ = ["Axis", "Frame", "axis_of", "draw_axes", "window"]

#: How far beyond the front's own range the picture reaches, as a share of that range.
REACH: Final = 0.8
#: A character of the pictures' 11 and 12 pixel text is about this wide.
CHARACTER: Final = 6.6
#: A character of a title, in bold, is about this wide in the widest of the usual fonts.
BOLD_CHARACTER: Final = 9.0


@dataclass(frozen=True)
class Axis:
    """What is measured along one side: `values` by configuration; `sign` +1 or -1 where larger or smaller is better."""

    name: str
    sign: float
    threshold: float | None
    values: Mapping[int, Value]

    @property
    def better(self) -> str:
        """Which way is better, in words."""
        return {1.0: "higher is better", -1.0: "lower is better"}.get(self.sign, "")


@dataclass(frozen=True)
class Frame:
    """The rectangle in pixels inside which values are drawn."""

    left: float
    top: float
    right: float
    bottom: float


def axis_of(report: Report, name: str | None) -> Axis:
    """The axis of metric `name`; of None: the order in which the configurations came."""
    shown = [(point.configuration_id, point.values) for point in report.options]
    shown += [(point.configuration_id, point.values) for point in report.beaten]
    if name is None:
        order = sorted(configuration for configuration, _ in shown)
        ranks = {configuration: Value(float(i)) for i, configuration in enumerate(order, start=1)}
        return Axis("order of the configurations", 0.0, None, ranks)
    metric = report.metric(name)
    values = {configuration: measured[name] for configuration, measured in shown if name in measured}
    threshold = None if metric.strategy == "store" else metric.threshold
    return Axis(label(name), 0.0 if metric.strategy == "store" else metric.sign, threshold, values)


def window(front: Sequence[float], others: Sequence[float], threshold: float | None) -> tuple[float, float, bool]:
    """The domain (low, high, log) worth looking at: all of the front, and of the rest what is not far from it.

    >>> window([1.0, 2.0], [2.5, 900.0], 2.2)[:2]
    (0.91, 2.59)
    """
    core = [*front] if front and max(front) > min(front) else [*front, *_middle(others)]
    if not core:
        core = [threshold] if threshold is not None else []
    log = bool(core) and min(core) > 0 and max(core) / LOG_FROM > min(core)
    rest = [value for value in (*others, *([] if threshold is None else [threshold])) if value > 0 or not log]
    if not core:
        return padded(rest)
    low, high = _scaled(min(core), log), _scaled(max(core), log)
    reach = (high - low) * REACH
    near = [value for value in rest if low - reach <= _scaled(value, log) <= high + reach]
    return padded([*core, *near], allow_log=log)


def draw_axes(x: tuple[Axis, Scale], y: tuple[Axis, Scale], frame: Frame) -> Markup:
    """Grid lines, ticks and titles of both axes."""
    (across, x_scale), (up, y_scale) = x, y
    x_ticks = x_scale.ticks(max(2, round((frame.right - frame.left) / 90)))
    y_ticks = y_scale.ticks(max(2, round((frame.bottom - frame.top) / 55)))
    return Markup("").join(
        [
            *(_x_tick(x_scale(v), text, frame) for v, text in zip(x_ticks, x_scale.labels(x_ticks), strict=True)),
            *(_y_tick(y_scale(v), text, frame) for v, text in zip(y_ticks, y_scale.labels(y_ticks), strict=True)),
            element("path", class_="axis", d=f"M{frame.left} {frame.top}V{frame.bottom}H{frame.right}"),
            _title(up, "↑↓", frame, x=4.0, y=frame.top - 14, text_anchor="start"),
            _title(across, "→←", frame, x=frame.right, y=frame.bottom + 38, text_anchor="end"),
        ]
    )


def _middle(values: Sequence[float]) -> list[float]:
    """The values without the outermost twentieth on either side."""
    ordered = sorted(values)
    cut = len(ordered) // 20
    return ordered[cut : len(ordered) - cut]


def _scaled(value: float, log: bool) -> float:
    return math.log(max(value, NOTHING)) if log else value


def _x_tick(x: float, text: str, frame: Frame) -> Markup:
    grid = element("path", class_="grid", d=f"M{x:.2f} {frame.top}V{frame.bottom}")
    return grid + element("text", text, class_="tick", x=x, y=frame.bottom + 18, text_anchor="middle")


def _y_tick(y: float, text: str, frame: Frame) -> Markup:
    grid = element("path", class_="grid", d=f"M{frame.left} {y:.2f}H{frame.right}")
    return grid + element("text", text, class_="tick", x=frame.left - 8, y=y + 4, text_anchor="end")


def _title(axis: Axis, arrows: str, frame: Frame, **where: float | str) -> Markup:
    note = f"{arrows[axis.sign < 0]} {axis.better}" if axis.better else ""
    room = int((frame.right - frame.left - 8 - len(note) * (CHARACTER + 0.5)) / BOLD_CHARACTER)
    name = element("tspan", clip(axis.name, max(room, 8)), class_="name")
    direction = element("tspan", note, class_="better", dx=8.0) if note else Markup("")
    return element("text", name, direction, class_="axis-title", **where)
