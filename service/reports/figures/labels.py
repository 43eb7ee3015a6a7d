"""Where the names of points go: beside them, wherever they cover neither a mark nor another name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.reports.figures.axes import CHARACTER, Frame

__all__ = ["Box", "Label", "place"]

#: Tried in this order: (direction across, direction up, text-anchor).
_SIDES = ((1, -1, "start"), (-1, 1, "end"), (1, 0, "start"), (-1, 0, "end"), (1, 1, "start"), (-1, -1, "end"))
_ABOVE = ((0, -1, "middle"), (0, 1, "middle"))


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    @classmethod
    def around(cls, x: float, y: float, radius: float) -> Box:
        """The square around a mark."""
        return cls(x - radius, y - radius, x + radius, y + radius)


@dataclass(frozen=True)
class Label:
    """A text with its place."""

    text: str
    x: float
    y: float
    anchor: str
    box: Box


def place(
    names: Sequence[tuple[str, float, float, float]], taken: Iterable[Box], frame: Frame, *, avoid: Sequence[Box] = ()
) -> list[Label | None]:
    """For each (text, x, y, radius), the first in turn: a place beside the mark that is free, or None.

    `taken` may not be covered, `avoid` only where there is no other place.

    >>> frame = Frame(0, 0, 100, 100)
    >>> [label.anchor for label in place([("1", 95.0, 50.0, 5.0)], [], frame)]
    ['end']
    """
    boxes = list(taken)
    labels: list[Label | None] = []
    for text, x, y, radius in names:
        free = [label for label in _candidates(text, x, y, radius) if _is_free(label.box, boxes, frame)]
        clear = (label for label in free if not any(label.box.meets(box) for box in avoid))
        label = next(clear, free[0] if free else None)
        labels.append(label)
        if label:
            boxes.append(label.box)
    return labels


def _candidates(text: str, x: float, y: float, radius: float) -> Iterable[Label]:
    wide, high = len(text) * CHARACTER + 2, 12.0
    for across, up, anchor in (*_SIDES, *_ABOVE):
        reach = radius * (0.8 if across and up else 1.0) + 3
        start = x + across * reach
        middle = y + up * (reach + (high / 2 - 2 if across == 0 else 2))
        left = {"start": start, "end": start - wide, "middle": start - wide / 2}[anchor]
        yield Label(text, start, middle + 4, anchor, Box(left, middle - high / 2, left + wide, middle + high / 2))


def _is_free(box: Box, boxes: Iterable[Box], frame: Frame) -> bool:
    inside = box.left >= frame.left and box.right <= frame.right + 8 and box.top >= frame.top - 8
    return inside and box.bottom <= frame.bottom and not any(box.meets(other) for other in boxes)
