"""What the tests of observations share: results of the experiment of tests/support.py."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.db import Database


@pytest.fixture(scope="session")
def sqlite_only(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of the one-machine kind, for laws that do not depend on the kind; each example makes its own rows."""
    path = tmp_path_factory.mktemp("laws") / "tradespace.db"
    shutil.copy(sqlite_template, path)
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.close()
