"""Refusals in the words that SigOpt's callers know, with what was there beside."""

from __future__ import annotations

from typing import Annotated, Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from service.errors import InvalidInputError
from service.schemas import fields
from service.schemas.fields import Strict, parse_json_object, parse_model


class Inner(Strict):
    name: str = "a"


class Body(Strict):
    name: Annotated[str, Field(min_length=1, max_length=3)] = "a"
    key: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    above: Annotated[int, Field(gt=0)] = 1
    least: Annotated[float, Field(ge=2)] = 2
    below: Annotated[float, Field(lt=5)] = 2
    most: Annotated[int, Field(le=5)] = 2
    items: Annotated[list[int], Field(min_length=1, max_length=2)] = Field(default_factory=lambda: [1])
    pairs: Annotated[dict[str, int], Field(max_length=1)] = Field(default_factory=dict)
    either: dict[str, str | float | int | None] = Field(default_factory=dict)
    inner: list[Inner] = Field(default_factory=list)


WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "short": ({"name": ""}, 'The length of .name must be greater than or equal to 1, got ""'),
    "long": ({"name": "abcd"}, 'The length of .name must be less than or equal to 3, got "abcd"'),
    "pattern": ({"key": "A"}, '"A" does not match the regular expression /^[a-z]+$/ (.key)'),
    "above": ({"above": 0}, ".above must be greater than 0, got 0"),
    "least": ({"least": 1}, ".least must be greater than or equal to 2.0, got 1"),
    "below": ({"below": 5}, ".below must be less than 5.0, got 5"),
    "most": ({"most": 6}, ".most must be less than or equal to 5, got 6"),
    "none": ({"items": []}, "The length of .items must be greater than or equal to 1, got []"),
    "many": ({"items": [1, 2, 3]}, "The length of .items must be less than or equal to 2, got [1, 2, 3]"),
    "keys": ({"pairs": {"a": 1, "b": 2}}, 'Expected at most 1 keys in {"a": 1, "b": 2} (.pairs)'),
    "kinds": ({"either": {"str": {}}}, "Invalid type for .either.str: {} - expected type string, number"),
    "unknown": ({"one": 1, "two": 2}, 'Unknown json keys `one`, `two` in: {"one": 1, "two": 2}'),
    "inside": ({"inner": [{"x": 1, "y": 2}]}, 'Unknown json keys `x`, `y` in: {"x": 1, "y": 2}'),
    "kind": ({"items": ["x"]}, 'Invalid type for .items[0]: "x" - expected type integer'),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_refusal_says_where_what_was_there_and_what_was_expected(case: str) -> None:
    given, message = WORDS[case]
    with pytest.raises(InvalidInputError) as raised:
        parse_model(Body, given)
    assert raised.value.message.partition("; known")[0] == message


NUMBERS = (
    "1",
    "-0.5",
    "1e5",
    "1e308",
    "1e309",
    "-1E+999",
    "1e0400",
    "9" * 199 + "e99",
    "9" * 300 + "e99",
    "9" * 400 + ".0",
)
TEXTS = ('"a"', '"\\u0000"', '"\\ud800"', '"\\u00e9"', '"\u00e9"', '"e999"')
DOCUMENTS = st.recursive(
    st.sampled_from((*NUMBERS, *TEXTS, "null")),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.tuples(st.sampled_from(TEXTS), inner).map(lambda parts: "{" + ":".join(parts) + "}")
    ),
    max_leaves=8,
).map(lambda part: f'{{"a": {part}}}')


def outcome(text: str) -> object:
    try:
        return parse_json_object(text)
    except InvalidInputError as error:
        return error.message


@given(DOCUMENTS | st.integers(1, 30).map(lambda depth: '{"a":' * depth + "1" + "}" * depth))
def test_what_is_seen_to_be_storable_at_a_glance_is(text: str) -> None:
    with patch.object(fields, "_is_plain", return_value=False):
        looked_at = outcome(text)
    assert outcome(text) == looked_at
