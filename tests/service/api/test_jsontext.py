"""Replies are written as the standard library would write them."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.jsontext import indented

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_the_text_is_that_of_the_standard_library(value: Any) -> None:
    assert indented(value) == json.dumps(value, indent=2, allow_nan=False)


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf]])
def test_what_json_has_not_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        indented(value)
    with pytest.raises(TypeError, match="not JSON serializable"):
        indented({"a": object()})


class _Word(str):
    __slots__ = ()


class _Count(IntEnum):
    TWO = 2


def test_what_comes_from_a_known_type_is_written_like_it() -> None:
    value = OrderedDict(word=_Word("w"), count=_Count.TWO, items=[1])
    assert indented(value) == json.dumps({"word": "w", "count": 2, "items": [1]}, indent=2)
    assert indented(MappingProxyType({"a": 1})) == json.dumps({"a": 1}, indent=2)
