"""One running system for every contract that is checked over the wire, and what SigOpt's own client saw of it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.system import System

#: They import the sigopt client, which lives in an environment of its own.
collect_ignore = [path.name for path in Path(__file__).parent.glob("sigopt_*.py")]

HERE: Final = Path(__file__).parent
PYTHON: Final = HERE.parents[1] / ".venv-sigopt/bin/python"


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system on SQLite and an embedded Valkey; tests make experiments of their own in it."""
    with System(tmp_path_factory.mktemp("system") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def client_python() -> Path:
    """The Python that has the sigopt client. A missing client is an error: nothing is skipped."""
    if not PYTHON.exists():
        raise FileNotFoundError(f"{PYTHON} does not exist: run `make test`, which installs the sigopt client")
    return PYTHON


@pytest.fixture(scope="session")
def client_environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """An environment without anybody's settings of the client."""
    foreign = ("SIGOPT_", "TRADESPACE_", "PYTHON")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**own, "SIGOPT_HOME": str(tmp_path_factory.mktemp("sigopt")), "PYTHONWARNINGS": "ignore"}


@pytest.fixture(scope="session")
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the client saw in one run of each script: their names without `sigopt_`. Made once, by whoever comes first.

    Where the suite runs in several processes, each sees its own files of tests; the others wait for the one that runs
    the scripts and read what it wrote.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    kept = folder / "sigopt.json"
    with (folder / "sigopt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(_run(request, tmp_path_factory)), encoding="utf-8")
    found: Mapping[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Run the scripts side by side."""
    system: System = request.getfixturevalue("system")
    arguments: Mapping[str, Sequence[str]] = {
        "loop": (),
        "runs": (str(tmp_path_factory.mktemp("runs")),),
        "everything": (),
    }
    started = {
        name: subprocess.Popen(
            [
                request.getfixturevalue("client_python"),
                HERE / f"sigopt_{name}.py",
                system.url,
                system.token,
                *more,
            ],
            env=request.getfixturevalue("client_environment"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, more in arguments.items()
    }
    return {name: _report(name, process) for name, process in started.items()}


def _report(name: str, process: subprocess.Popen[str]) -> Any:
    try:
        answer, errors = process.communicate(timeout=100)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
        pytest.fail(f"sigopt_{name}.py did not end: {errors}")
    assert process.returncode == 0, f"sigopt_{name}.py: {errors}"
    return json.loads(answer)
