"""A running system on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.db import Database
from tests.system import System


@pytest.fixture
def system(database_url: str, tmp_path: Path) -> Iterator[System]:
    """The whole system: every process, an embedded Valkey, an empty database."""
    with System(tmp_path / "data", database_url=database_url) as running:
        yield running


@pytest.fixture
def rows(system: System) -> Iterator[Database]:
    """The database of the running system, to look at what became of things."""
    opened = Database(system.database_url)
    yield opened
    opened.close()
