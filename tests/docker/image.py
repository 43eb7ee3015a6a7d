"""The image without an engine: the build's instructions, carried out in a folder instead of a container."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docker.recipe import ROOT, Instruction, environment, instructions, words

__all__ = ["Image", "build"]

#: What the build writes to; in these paths alone a folder stands for the container's root.
MOVED: Final = ("/opt/", "/src")


@dataclass(frozen=True)
class Image:
    """What the Dockerfile made, below `root`."""

    root: Path

    def moved(self, text: str) -> str:
        """Return `text` with the container's paths as they are on this machine."""
        for path in MOVED:
            text = text.replace(path, f"{self.root}{path}")
        return text

    def environ(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the whole environment of a container: the image's variables, and those that `given` adds."""
        home = self.root / "tmp"
        own = {name: self.moved(value) for name, value in environment(1).items()}
        own["PATH"] = own["PATH"].replace("$PATH", os.defpath)
        return {**own, "HOME": str(home), "TMPDIR": str(home), **given}

    def popen(self, argv: Sequence[str], given: Mapping[str, str], *, log: Path) -> subprocess.Popen[bytes]:
        """Start what a container would run, its output in `log`."""
        env = self.environ(given)
        program = shutil.which(argv[0], path=env["PATH"])
        if program is None:
            raise FileNotFoundError(f"the image has no program {argv[0]}")
        # It ends if we are killed: a test run leaves nothing behind.
        command = [sys.executable, "-m", "service.child", str(os.getpid()), program, *argv[1:]]
        with log.open("ab") as output:
            return subprocess.Popen(
                command, env=env, cwd="/", stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )

    def run(self, argv: Sequence[str], given: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command of the image to its end."""
        env = self.environ(given)
        program = shutil.which(argv[0], path=env["PATH"]) or argv[0]
        command = [program, *argv[1:]]
        return subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False)

    def files(self) -> set[Path]:
        """Return every file that the image holds."""
        return {path for path in (self.root / "opt/tradespace").rglob("*") if path.is_file()}


def build(root: Path) -> Image:
    """Carry out the first stage in `root`. The second one only sets variables and copies what the first one made."""
    image = Image(root)
    for folder in ("tmp", "bin"):
        (root / folder).mkdir(parents=True)
    _python_of_the_base(root / "bin/python")
    folder = root
    for item in instructions(stage=0):
        if item.word == "WORKDIR":
            folder = Path(image.moved(item.rest))
            folder.mkdir(parents=True)
        elif item.word == "COPY":
            _copy(item, folder)
        elif item.word == "RUN":
            _run(image.moved(item.rest), root, folder)
        elif item.word not in ("FROM", "ENV"):
            raise NotImplementedError(f"the image's check does not know {item.word}")
    return image


def _python_of_the_base(path: Path) -> None:
    """Put a `python` there that is no virtual environment's, as the base image has one."""
    path.write_text(f'#!/bin/sh\nexec "{Path(sys.base_prefix)}/bin/python3" "$@"\n', encoding="utf-8")
    path.chmod(0o755)


def _copy(item: Instruction, folder: Path) -> None:
    *sources, target = words(item)
    for source in sources:
        here = ROOT / source
        if here.is_dir():
            shutil.copytree(here, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / target).mkdir(parents=True, exist_ok=True)
            shutil.copy(here, folder / target)


def _run(line: str, root: Path, folder: Path) -> None:
    # What says where packages are had from stays: the builder, too, is told so by its machine.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TRADESPACE_", "PYTHON"))}
    env = {**own, **environment(0), "PATH": f"{root / 'bin'}:{os.environ['PATH']}"}
    # A container has no cache, a machine may: the same wheels either way, by their hashes.
    env.pop("PIP_NO_CACHE_DIR", None)
    subprocess.run(["sh", "-ec", line], cwd=folder, env=env, check=True, timeout=900)
