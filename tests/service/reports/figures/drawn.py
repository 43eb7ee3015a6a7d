"""Reading a picture back: its XML, its marks and where they are."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from markupsafe import Markup

__all__ = ["classes", "coordinates", "marks", "parse", "titles"]

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def parse(svg: Markup) -> ET.Element:
    """The picture as a tree: fails unless it is well-formed."""
    return ET.fromstring(str(svg))


def classes(element: ET.Element) -> set[str]:
    return set((element.get("class") or "").split())


def marks(tree: ET.Element, name: str) -> list[ET.Element]:
    """Every element of a class."""
    return [element for element in tree.iter() if name in classes(element)]


def titles(tree: ET.Element) -> list[str]:
    """What the options say when pointed at."""
    return [link.findtext("title", "") for link in tree.iter("a")]


def coordinates(element: ET.Element) -> tuple[list[float], list[float]]:
    """All x and all y of a circle, rectangle or absolute path of M, L, H, V."""
    if element.tag == "circle":
        return [float(element.attrib["cx"])], [float(element.attrib["cy"])]
    if element.tag == "rect":
        x, y, width, height = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
        return [x, x + width], [y, y + height]
    xs: list[float] = []
    ys: list[float] = []
    for command, rest in re.findall(r"([MLHV])([^MLHVZ]*)", element.attrib["d"]):
        values = [float(number) for number in _NUMBER.findall(rest)]
        if command == "H":
            xs += values
        elif command == "V":
            ys += values
        else:
            xs += values[::2]
            ys += values[1::2]
    return xs, ys
