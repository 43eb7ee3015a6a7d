"""Numbers as people read them: as many digits as tell values apart, and no more (stop "service/reports")."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Digits", "brief", "digits_for", "label", "plural"]

#: Values beyond these are written with a power of ten.
LARGEST: Final = 1e7
SMALLEST: Final = 1e-4
#: A metric whose values span more than this ratio is written with significant digits instead of fixed decimals.
WIDE: Final = 20.0
MINUS: Final = "\N{MINUS SIGN}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
#: What stands where there is no number.
NONE: Final = "\N{EN DASH}"
#: Control characters, and those that change the direction in which what follows is read.
_TURNING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def brief(value: float, digits: int = 3) -> str:
    """`value` with `digits` significant digits.

    >>> brief(0.1 + 0.2), brief(-1234567.0), brief(1.5e-9), brief(48.0), brief(0.0)
    ('0.3', '−1,230,000', '1.5×10⁻⁹', '48', '0')
    """
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    if not SMALLEST <= abs(rounded) < LARGEST:
        return _power(value, digits)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:,.{decimals}f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


@dataclass(frozen=True)
class Digits:
    """How one metric is written: with `decimals` places, or (None) with three significant digits.

    >>> Digits(3)(0.98), Digits(None)(1234.5), Digits(0)(-0.2)
    ('0.980', '1,230', '0')
    """

    decimals: int | None = None

    def __call__(self, value: float) -> str:
        """`value` as text."""
        if self.decimals is None or not math.isfinite(value):
            return brief(value)
        text = f"{value:,.{self.decimals}f}"
        return _minus(text if text.strip("-0.,") else text.removeprefix("-"))

    def short(self, value: float) -> str:
        """`value` as text without trailing zeros, for sentences."""
        text = self(value)
        return text.rstrip("0").rstrip(".") if "." in text and TIMES not in text else text

    def change(self, value: float) -> str:
        """A difference of two values, without its sign: never shown as zero if it is not.

        >>> Digits(3).change(-0.002), Digits(3).change(0.0001)
        ('0.002', '0.0001')
        """
        text = self.short(abs(value))
        return brief(abs(value), 2) if value and not text.strip("0.,") else text


def digits_for(values: Iterable[float]) -> Digits:
    """The digits that tell `values` apart: a twentieth of their spread is visible, and three digits of the largest.

    >>> digits_for([0.951, 0.981])(0.98123), digits_for([0.8, 120.0])(0.8), digits_for([])(2.0)
    ('0.981', '0.8', '2')
    """
    finite = [value for value in values if math.isfinite(value)]
    sizes = [abs(value) for value in finite]
    if not sizes or max(sizes) == 0 or not SMALLEST <= max(sizes) < LARGEST:
        return Digits(None)
    smallest = min((size for size in sizes if size > 0), default=0.0)
    if max(sizes) > WIDE * smallest:
        return Digits(None)
    spread = max(finite) - min(finite)
    decimals = 2 - math.floor(math.log10(max(sizes)))
    if spread > max(sizes) * 1e-6:
        decimals = max(decimals, math.ceil(-math.log10(spread / 20.0)))
    return Digits(min(max(decimals, 0), 8))


def plural(count: int, one: str, many: str | None = None) -> str:
    """`count` with its noun.

    >>> plural(1, "option"), plural(0, "option"), plural(1200, "reply", "replies")
    ('1 option', '0 options', '1,200 replies')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def label(name: str) -> str:
    """A metric's name as it is shown in a sentence, where it must not turn the line around or break it.

    >>> label(""), label("latency_ms"), label("a\u202eb")
    ('value', 'latency_ms', 'a�b')
    """
    return _TURNING.sub("\N{REPLACEMENT CHARACTER}", name) or "value"


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def _power(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return _minus(mantissa) + f"{TIMES}10" + raised
