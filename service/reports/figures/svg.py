"""SVG elements as safe text: whatever is not already markup is escaped, so a hostile name stays a name.

Looks come from the page's stylesheet by class name; there is no style attribute, since the page's content security
policy would refuse it (stop "service/reports").
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

__all__ = ["clip", "element", "number"]

#: What XML 1.0 cannot carry, even escaped.
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(tag: str, *children: str, **attributes: str | float | None) -> Markup:
    """One element. Children that are not markup are escaped; `class_` is class, `text_anchor` is text-anchor.

    >>> print(element("text", "<b> & 'c'", class_="name", x=1.50001))
    <text class="name" x="1.5">&lt;b&gt; &amp; &#39;c&#39;</text>
    """
    given = "".join(_attribute(name, value) for name, value in attributes.items() if value is not None)
    inner = "".join(_escaped(child) for child in children)
    return Markup(f"<{tag}{given}>{inner}</{tag}>")  # noqa: S704 the one place: all that went in has been escaped


def number(value: float) -> str:
    """A coordinate with a hundredth of a pixel.

    >>> number(12.0), number(1 / 3), number(-0.001)
    ('12', '0.33', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def clip(text: str, length: int) -> str:
    """`text`, with an ellipsis in its middle if it is longer than `length`.

    >>> clip("latency_ms", 20), clip("a_very_long_metric_name", 11)
    ('latency_ms', 'a_ver…_name')
    """
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return text[: length - 1 - tail] + "…" + text[len(text) - tail :]


def _attribute(name: str, value: str | float) -> str:
    text = _escaped(value) if isinstance(value, str) else number(value)
    return f' {name.rstrip("_").replace("_", "-")}="{text}"'


def _escaped(text: str) -> str:
    """`text` as it may stand in content and attributes; markup as it is."""
    if isinstance(text, Markup):
        return text
    return escape(_ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text))
