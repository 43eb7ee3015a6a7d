"""Whatever is not markup is escaped; whatever XML cannot carry is replaced."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from service.reports.figures.svg import clip, element


@given(st.text(), st.text())
def test_any_text_is_carried_as_text_in_content_and_attributes(content: str, attribute: str) -> None:
    tree = ET.fromstring(str(element("text", content, class_=attribute)))
    assert tree.tag == "text"
    assert len(tree) == 0
    assert set(tree.attrib) == {"class"}


def test_markup_is_nested_as_it_is() -> None:
    assert element("g", element("path", d="M0 0")) == Markup('<g><path d="M0 0"></path></g>')


def test_an_attribute_that_is_none_is_left_out() -> None:
    assert element("g", id=None) == Markup("<g></g>")


@given(st.text(max_size=80), st.integers(3, 40))
def test_a_clipped_name_is_never_longer_than_its_room(name: str, room: int) -> None:
    assert len(clip(name, room)) <= room
    assert len(name) > room or clip(name, room) == name
