"""One running system for every contract that is checked over the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system import System

#: It imports the sigopt client, which lives in an environment of its own.
collect_ignore = ["sigopt_loop.py"]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system on SQLite and an embedded Valkey; tests make experiments of their own in it."""
    with System(tmp_path_factory.mktemp("system") / "data") as running:
        yield running
