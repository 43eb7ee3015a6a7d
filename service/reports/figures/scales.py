"""From values to pixels: scales with readable ticks, for values however large, small or alike.

Measured values are at most 1e100 in size (service.schemas), so that differences never overflow; below `NOTHING` a value
is drawn as zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.reports.numbers import MINUS, TIMES, brief

__all__ = ["Scale", "padded"]

#: Positive values that span more than this ratio are drawn on a logarithmic scale.
LOG_FROM: Final = 40.0
#: A domain is at least this wide, relative to its values: below it floating point has no room for ticks.
NARROWEST: Final = 1e-6
NOTHING: Final = 1e-100


@dataclass(frozen=True)
class Scale:
    """Maps the domain [low, high] onto pixels [start, end], strictly monotone; `log` by magnitude.

    >>> scale = Scale(0.0, 10.0, start=100.0, end=0.0)
    >>> scale(2.5), scale.ticks(5)
    (75.0, (0.0, 2.0, 4.0, 6.0, 8.0, 10.0))
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of `value`."""
        return self.start + (self.end - self.start) * self.share(value)

    def share(self, value: float) -> float:
        """Where `value` lies between low (0) and high (1)."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def holds(self, value: float) -> bool:
        """Whether `value` lies in the domain."""
        return self.low <= _seen(value) <= self.high

    def clamped(self, value: float) -> float:
        """The pixel of `value`, or of the end of the domain beyond which it lies."""
        return self(min(max(value, self.low), self.high))

    def ticks(self, count: int) -> tuple[float, ...]:
        """About `count` round values inside the domain, ascending."""
        if self.log:
            marks = _log_ticks(self.low, self.high, count)
            if len(marks) >= 2:
                return marks
        return _linear_ticks(self.low, self.high, count)

    def labels(self, ticks: Iterable[float]) -> tuple[str, ...]:
        """The ticks as short text, each different from the next."""
        ticks = tuple(ticks)
        for digits in range(2, 12):
            texts = tuple(brief(tick, digits) for tick in ticks)
            if len(set(texts)) == len(texts):
                break
        return _same_decimals(texts) if not self.log else texts


def padded(values: Iterable[float], *, share: float = 0.06, allow_log: bool = True) -> tuple[float, float, bool]:
    """The domain (low, high, log) that holds finite `values` with some room around them.

    >>> padded([1.0, 2.0], share=0.1)
    (0.9, 2.1, False)
    >>> padded([1.0, 100.0])[2], padded([3.0, 3.0]), padded([])
    (True, (2.7, 3.3, False), (0.0, 1.0, False))
    """
    sizes = sorted(_seen(value) for value in values)
    if not sizes:
        return 0.0, 1.0, False
    low, high = sizes[0], sizes[-1]
    if allow_log and low > 0 and high / LOG_FROM > low:
        room = (high / low) ** share
        return low / room, high * room, True
    room = (high - low) * share
    if high - low <= max(abs(low), abs(high)) * NARROWEST:
        room = max(abs(low), abs(high)) * 0.1 or 1.0
    start = 0.0 if 0 <= low < room and high > low else _sum(low, -room)  # no negative room beside what has no negatives
    end = 0.0 if -room < high <= 0 and high > low else _sum(high, room)
    return start, end, False


def _seen(value: float) -> float:
    """`value`, or zero for what is too small to be told from it."""
    return value if abs(value) >= NOTHING else 0.0


def _sum(value: float, change: float) -> float:
    """Their sum without the floating point dust behind it, when it can be told from dust."""
    total = value + change
    tidy = float(f"{total:.12g}")
    return tidy if (tidy - value) * change > 0 else total


def _linear_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    step = _nice((high - low) / max(count, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(min(max(_tidy(i * step, step), low), high) for i in range(first, last + 1))


def _nice(size: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if size <= factor * power * 1.5 or factor == 10.0)


def _tidy(value: float, step: float) -> float:
    """A multiple of `step` without floating point dust."""
    places = 1 - math.floor(math.log10(step))
    return round(value, places) if places >= 0 else value


def _log_ticks(low: float, high: float, count: int) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        marks = [factor * 10.0**decade for decade in decades for factor in factors]
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) <= count + 1:
            return tuple(inside)
    stride = math.ceil(len(inside) / count)
    return tuple(inside[::stride])


def _same_decimals(texts: tuple[str, ...]) -> tuple[str, ...]:
    """0.9, 0.95, 1 -> 0.90, 0.95, 1.00."""
    if any(TIMES in text for text in texts):
        return texts
    places = max((len(text.partition(".")[2]) for text in texts), default=0)
    return tuple(_with_places(text, places) for text in texts)


def _with_places(text: str, places: int) -> str:
    whole, _, rest = text.partition(".")
    zero = whole.strip(MINUS) == "0" and not rest
    return "0" if zero else f"{whole}.{rest:0<{places}}" if places else whole
