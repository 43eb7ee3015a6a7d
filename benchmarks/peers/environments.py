"""One environment per peer under .venv-peers/, from its lock file; what could not be installed says why.

locks/peers-NAME.in is what is asked for, locks/peers-NAME.lock every version it came to, with the hashes that pip
checks. With torch from the index come its gigabytes of CUDA libraries, which nothing here uses.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-peers"


@dataclass(frozen=True)
class Library:
    """A peer's environment, the adapter that runs in it, and its methods."""

    name: str
    adapter: str
    methods: tuple[str, ...]
    thresholds: bool  # whether a worst acceptable value of a metric can be told to it


OURS = Library("tradespace", "with_tradespace", ("tradespace",), thresholds=True)
LIBRARIES = (
    OURS,
    Library("optuna", "with_optuna", ("optuna-gp", "optuna-tpe"), thresholds=False),
    Library("botorch", "with_botorch", ("botorch",), thresholds=True),
    Library("ax", "with_ax", ("ax",), thresholds=True),
    Library("smac", "with_smac", ("smac",), thresholds=False),
    Library("openbox", "with_openbox", ("openbox",), thresholds=True),
    Library("sigoptlite", "with_sigoptlite", ("sigoptlite",), thresholds=True),
    Library("pymoo", "with_pymoo", ("pymoo-nsga2",), thresholds=False),
)


def python(library: Library) -> Path:
    return Path(sys.executable) if library is OURS else FOLDER / library.name / "bin" / "python"


def install(library: Library) -> str | None:
    """Make the environment if it is not there; the reason if it cannot be made, else None."""
    done = FOLDER / library.name / ".installed"
    if library is OURS or done.exists():
        return None
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    packages = ["--no-deps", "--require-hashes", "-r", str(ROOT / "locks" / f"peers-{library.name}.lock")]
    for command in (
        [sys.executable, "-m", "venv", str(FOLDER / library.name)],
        [str(python(library)), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages],
    ):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            return (ended.stderr.strip().splitlines() or ["no message"])[-1]
    done.touch()
    return None
