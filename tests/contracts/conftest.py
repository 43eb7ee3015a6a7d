"""One running system for every contract that is checked over the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system on SQLite and an embedded Valkey; tests make experiments of their own in it."""
    with System(tmp_path_factory.mktemp("system") / "data") as running:
        yield running
