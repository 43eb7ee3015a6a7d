"""Kept replies that trust nothing: each is made anew, and has to be what would have been taken from the shelf."""

from __future__ import annotations

from collections.abc import Hashable

from service.api.kept import Kept, Replies

__all__ = ["Suspicious"]


class Suspicious(Replies):
    """Never finds anything, and compares what is put with what would have been found.

    So every test of the API that looks, changes something and looks again also tests that the change was noticed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.compared = 0

    def get(self, key: Hashable, version: int) -> Kept | None:  # noqa: ARG002 whatever is asked for
        return None

    def put(self, key: Hashable, new: Kept) -> None:
        old = super().get(key, new.version)
        if old is not None:
            self.compared += 1
            assert old.body == new.body, f"{key}: the version stayed {new.version}, and the reply did not"
        super().put(key, new)
