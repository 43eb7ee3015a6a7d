"""The image's recipe: what can be told without building it. tests/docker/image_check.py plays it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.docker.recipe import DOCKERFILE, ROOT, context, environment, instructions, words

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_everything_it_copies_exists_and_reaches_the_builder() -> None:
    copied = [source for item in instructions("COPY", stage=0) for source in words(item)[:-1]]
    assert sorted(copied) == sorted(context())
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_every_package_of_the_distribution_is_copied() -> None:
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.split(".")[0] for name in include} <= set(context())


def test_it_stands_on_one_named_version_of_the_python_that_the_tests_run_on() -> None:
    bases = {words(item)[0] for item in instructions("FROM")}
    assert len(bases) == 1
    found = re.fullmatch(r"python:(3\.\d+)-slim-\w+", bases.pop())
    assert found
    assert PROJECT["project"]["requires-python"] == f">={found[1]}"


def test_it_installs_only_what_is_locked_and_hashed() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install ([^&]*)", " && ".join(i.rest for i in instructions("RUN")))
    assert len(installs) == 3
    for options in installs:
        assert "--no-deps" in options
        assert "--require-hashes" in options or "--no-index" in options


def test_it_runs_as_a_person_of_its_own_by_number() -> None:
    (user,) = instructions("USER")
    assert user.stage == 1
    uid, gid = user.rest.split(":")
    assert int(uid) == int(gid) >= 10000


def test_it_needs_to_write_nowhere_but_in_tmp() -> None:
    assert environment(1)["HOME"] == "/tmp"
    assert environment(1)["PYTHONDONTWRITEBYTECODE"] == "1"
    assert instructions("VOLUME") == []


def test_its_entry_is_the_command_that_the_distribution_installs() -> None:
    (entry,) = instructions("ENTRYPOINT")
    assert words(entry) == ["tradespace"]
    assert "tradespace" in PROJECT["project"]["scripts"]
