"""What is installed from a wheel, as in the image, is all that lies in the three packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.docker.recipe import ROOT

PACKAGES = ("objectives", "service", "tasks")


@pytest.fixture(scope="module")
def in_wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of a wheel built from a copy: a build leaves files behind in the folder that it builds."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", target, source], check=True, timeout=100)
    (wheel,) = target.glob("tradespace_server-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_a_wheel_holds_every_file_of_the_three_packages_and_no_other(in_wheel: set[str]) -> None:
    assert in_wheel == {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("kind", [".html", ".css", ".mako", "versions/0001_initial_schema.py"])
def test_a_wheel_holds_more_than_modules(in_wheel: set[str], kind: str) -> None:
    assert any(Path(name).as_posix().endswith(kind) for name in in_wheel)
