"""Numbers are written so that they can be told apart and compared, and never show the dust of floating point."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from service.reports.numbers import MINUS, NONE, TIMES, Digits, brief, digits_for, label, plural

FINITE = st.floats(allow_nan=False, allow_infinity=False)


#: What `brief` writes with signs of its own, in the letters that float() reads.
READABLE = str.maketrans({"⁻": "-", **dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)), MINUS: "-"})


@given(FINITE, st.integers(1, 6))
def test_a_brief_number_is_short_however_large_or_small(value: float, digits: int) -> None:
    assert len(brief(value, digits)) <= digits + 11


@given(st.floats(-1e300, 1e300), st.integers(2, 6))
def test_a_brief_number_is_the_number_rounded_to_its_digits(value: float, digits: int) -> None:
    text = brief(value, digits).replace(",", "").replace(f"{TIMES}10", "e").translate(READABLE)
    assert math.isclose(float(text), value, rel_tol=0.6 * 10 ** (1 - digits), abs_tol=1e-320)


def test_a_sum_that_is_not_quite_a_tenth_is_written_as_one() -> None:
    assert brief(0.1 + 0.2) == "0.3"
    assert digits_for([0.1 + 0.2, 0.7])(0.1 + 0.2) == "0.300"


def test_a_number_that_is_not_finite_is_a_dash() -> None:
    assert brief(math.nan) == brief(math.inf) == NONE


def test_nothing_is_written_as_minus_zero() -> None:
    assert Digits(2)(-0.0001) == "0.00"
    assert brief(-0.0) == "0"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_the_ends_of_a_column_are_told_apart(values: list[float]) -> None:
    low, high = min(values), max(values)
    if high - low > 1e-3 * max(abs(low), abs(high), 1e-3):
        write = digits_for(values)
        assert write(low) != write(high)


def test_values_of_one_metric_share_their_decimals() -> None:
    write = digits_for([0.951, 0.9812, 0.97])
    assert [write(value) for value in (0.951, 0.9812, 0.97)] == ["0.951", "0.981", "0.970"]


def test_a_metric_that_spans_magnitudes_is_written_with_significant_digits() -> None:
    write = digits_for([0.8, 12.345, 1200.0])
    assert [write(value) for value in (0.8, 12.345, 1200.0)] == ["0.8", "12.3", "1,200"]


def test_a_change_is_never_written_as_nothing() -> None:
    assert Digits(3).change(0.00004) != "0"
    assert Digits(3).change(0.0) == "0"


@given(st.integers(0, 10**6))
def test_only_one_is_singular(count: int) -> None:
    assert plural(count, "option").endswith("option") == (count == 1)


def test_a_name_cannot_turn_the_line_around_or_break_it() -> None:
    assert label("a\u202eb\nc\x00") == "a\ufffdb\ufffdc\ufffd"


def test_names_in_other_scripts_stay_as_they_are() -> None:
    assert label("דיוק") == "דיוק"
