"""The marks of which pictures and legends are made: dots, stars, crosses, bars."""

from __future__ import annotations

import math
from typing import Final

from markupsafe import Markup

from service.reports.figures.svg import element, number

__all__ = ["BEATEN_RADIUS", "FRONT_RADIUS", "STAR_RADIUS", "bar", "cross", "dot", "hollow", "star", "symbol"]

FRONT_RADIUS: Final = 5.0
BEATEN_RADIUS: Final = 3.5
STAR_RADIUS: Final = 10.0


def dot(x: float, y: float) -> Markup:
    """An option of the front."""
    return element("circle", class_="point front", cx=x, cy=y, r=FRONT_RADIUS)


def hollow(x: float, y: float) -> Markup:
    """A configuration that an option beats."""
    return element("circle", class_="point beaten", cx=x, cy=y, r=BEATEN_RADIUS)


def cross(x: float, y: float) -> Markup:
    """A configuration that misses a threshold."""
    arm = BEATEN_RADIUS
    a, b, c, d = number(x - arm), number(y - arm), number(x + arm), number(y + arm)
    return element("path", class_="point missed", d=f"M{a} {b}L{c} {d}M{c} {b}L{a} {d}")


def star(x: float, y: float, radius: float = STAR_RADIUS) -> Markup:
    """The recommended option."""
    corners = []
    for i in range(10):
        size, angle = radius * (1.0 if i % 2 == 0 else 0.45), math.pi * (i / 5 - 0.5)
        corners.append(f"{number(x + size * math.cos(angle))} {number(y + size * math.sin(angle))}")
    return element("path", class_="point front star", d="M" + "L".join(corners) + "Z")


def symbol(kind: str) -> Markup:
    """A mark of the legend, by its name: front, star, beaten, missed, limit, step or error."""
    line = {"limit": "M1 8H19", "step": "M1 4H9V12H19", "error": "M10 2V14M7 2H13M7 14H13"}
    marks = {"front": dot, "star": star, "beaten": hollow, "missed": cross}
    inner = element("path", class_=kind, d=line[kind]) if kind in line else marks[kind](10.0, 8.0)
    return element("svg", inner, class_="fig symbol", viewBox="0 -3 20 22", width=20.0, height=22.0, aria_hidden="true")


def bar(share: float, *, best: bool) -> Markup:
    """A small horizontal bar, `share` (0 to 1) of its track filled: how good a value is among those of its column."""
    filled = 4.0 + 96.0 * min(max(share, 0.0), 1.0)
    return element(
        "svg",
        element("rect", class_="track", x=0.0, y=0.0, width=100.0, height=4.0, rx=2.0),
        element("rect", class_="fill best" if best else "fill", x=0.0, y=0.0, width=filled, height=4.0, rx=2.0),
        class_="bar",
        viewBox="0 0 100 4",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
