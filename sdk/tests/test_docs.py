"""What the documents of the SDK show, runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import tradespace

README = Path(__file__).parent.parent / "README.md"
MODULES = sorted(found.name for found in pkgutil.iter_modules(tradespace.__path__))


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_hold(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"tradespace.{module}")).failed == 0


def test_every_public_name_is_there_and_documented() -> None:
    for name in tradespace.__all__:
        assert getattr(tradespace, name).__doc__


def test_the_programs_in_the_readme_run_in_their_order(valkey: Any, service: Any, token: str, store: Any) -> None:
    programs = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) >= 7
    service.front = {"generation": 1, "hypervolume": 0.5, "points": [], "ref_point": {}}
    names: dict[str, Any] = {"measure": lambda _assignments: {"accuracy": 0.91}, "print": lambda *_words: None}
    for program in programs:
        here = program.replace("redis://127.0.0.1:8322/0", valkey.url)
        here = here.replace("http://127.0.0.1:8321", service.url).replace("ts_your_token", token)
        exec(compile(here, "README.md", "exec"), names)
    assert store.xlen("tradespace:results") > 0
    assert [one["name"] for one in service.experiments] == ["digits", "digits"]


def test_type_checkers_are_told_that_the_package_is_typed() -> None:
    assert (Path(tradespace.__path__[0]) / "py.typed").is_file()
