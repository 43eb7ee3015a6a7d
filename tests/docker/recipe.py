"""docker/Dockerfile as data: its instructions, and what the builder is given to copy from."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["DOCKERFILE", "ROOT", "Instruction", "context", "environment", "instructions", "words"]

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "docker/Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile. Stages are numbered from 0."""

    stage: int
    word: str
    rest: str


def instructions(word: str | None = None, *, stage: int | None = None) -> list[Instruction]:
    """Return the Dockerfile's instructions, or those of one kind or stage."""
    found = list(_parse(DOCKERFILE.read_text(encoding="utf-8")))
    return [item for item in found if word in (None, item.word) and stage in (None, item.stage)]


def _parse(text: str) -> Iterator[Instruction]:
    r"""Split a Dockerfile into its instructions: comments out, continued lines joined.

    >>> [(i.stage, i.word, i.rest) for i in _parse("# x\nFROM a\nRUN b\\\nc\nFROM d")]
    [(0, 'FROM', 'a'), (0, 'RUN', 'b c'), (1, 'FROM', 'd')]
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    stage = -1
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            stage += word.upper() == "FROM"
            yield Instruction(stage, word.upper(), rest.strip())


def words(item: Instruction) -> list[str]:
    """Return an instruction's arguments, written as JSON or as words, without its options."""
    if item.rest.startswith("["):
        return [str(part) for part in json.loads(item.rest)]
    return [part for part in shlex.split(item.rest) if not part.startswith("--")]


def environment(stage: int) -> dict[str, str]:
    """Return the variables that a stage sets."""
    pairs = [part.split("=", 1) for item in instructions("ENV", stage=stage) for part in words(item)]
    return dict(pairs)


def context() -> list[str]:
    """Return the files and folders that .dockerignore lets the builder see: it refuses all and names the exceptions."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules: Sequence[str] = [line for line in lines if line and not line.startswith("#")]
    if (
        rules[0] != "*"
        or rules[-1] != "**/__pycache__"
        or not all(re.match(r"![\w./]+$", rule) for rule in rules[1:-1])
    ):
        raise ValueError(".dockerignore: expected `*`, then the exceptions, then **/__pycache__")
    return [rule.removeprefix("!") for rule in rules[1:-1]]
