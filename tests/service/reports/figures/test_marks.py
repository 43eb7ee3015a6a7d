"""Marks of legends and tables are well-formed and explain themselves to nobody twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.reports.figures import bar, symbol
from tests.service.reports.figures.drawn import marks, parse


@given(st.floats(allow_nan=False))
def test_a_bar_is_visible_and_never_longer_than_its_track(share: float) -> None:
    (filled,) = marks(parse(bar(share, best=False)), "fill")
    assert 4 <= float(filled.attrib["width"]) <= 100


@pytest.mark.parametrize("kind", ["front", "star", "beaten", "missed", "limit", "step", "error"])
def test_every_mark_has_a_symbol_that_is_silent_beside_its_word(kind: str) -> None:
    tree = parse(symbol(kind))
    assert tree.get("aria-hidden") == "true"
    assert marks(tree, kind)
