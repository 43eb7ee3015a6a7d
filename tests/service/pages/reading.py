"""Reading a page back: what it says, and whether everything that is opened is closed."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["Page"]

_VOID = frozenset(("meta", "link", "img", "br", "input"))


class Page(HTMLParser):
    """The elements and the text of a page. AssertionError where elements are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        """All that is said, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def ids(self) -> list[str]:
        """Every id."""
        return [str(attributes["id"]) for _, attributes in self.elements if "id" in attributes]

    def links(self) -> list[str]:
        """Where every link leads."""
        return [str(attributes["href"]) for tag, attributes in self.elements if tag == "a"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1] == tag, f"{tag} closes {self._open[-1]}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)
