"""The contracts of docs/contracts/ as the tests read them: schemas, the README's blocks, the service's own reader."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from service.schemas.experiment import Definition, parse_experiment
from service.schemas.result import Result, check_result, parse_document, parse_message

__all__ = [
    "BLOCKS",
    "CONTRACTS",
    "README",
    "SCHEMAS",
    "blocks",
    "check",
    "commands",
    "experiment",
    "fits",
    "taken",
    "taken_flat",
]

CONTRACTS = Path(__file__).parents[2] / "docs" / "contracts"
SCHEMAS: dict[str, dict[str, Any]] = {
    path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(CONTRACTS.glob("*.schema.json"))
}
README = (CONTRACTS / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+) ?([\w-]*)\n(.*?)```", README, re.DOTALL)
REGISTRY = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values())


def check(name: str, document: Any) -> None:
    """Raise if `document` is not what the schema describes, or if the JSON inside its texts is not."""
    validator = _validator(name)
    validator.validate(document)
    for key, part in SCHEMAS[name].get("properties", {}).items():
        if isinstance(part, dict) and "contentSchema" in part and key in document:
            Draft202012Validator(part["contentSchema"]).validate(json.loads(document[key]))


def fits(name: str, document: Any) -> bool:
    return bool(_validator(name).is_valid(document))


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name], registry=REGISTRY, format_checker=FormatChecker())


def blocks(language: str, name: str = "") -> list[str]:
    found = [text for kind, label, text in BLOCKS if kind == language and label == name]
    assert found
    return found


def commands(program: str) -> list[list[str]]:
    """The commands of the README that start `program`, in their order, each as its arguments."""
    lines = shlex_lines("\n".join(blocks("sh")))
    return [words[1:] for words in lines if words[0] == program]


def shlex_lines(text: str) -> Iterator[list[str]]:
    """Split a shell script at the line ends that are not inside quotes."""
    line = ""
    for part in text.splitlines(keepends=True):
        line += part
        if line.count("'") % 2 == 0:
            words = shlex.split(line)
            line = ""
            if words:
                yield words


def experiment() -> Definition:
    """The experiment that the README makes."""
    return parse_experiment(json.loads(commands("curl")[0][-1]))[1]


def flat_bytes(fields: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in fields.items()}


def taken(document: Mapping[str, Any]) -> Result:
    """What the service makes of a document."""
    return check_result(parse_document(document, result_id="1-0"), experiment())


def taken_flat(fields: Mapping[str, str]) -> Result:
    return check_result(parse_message(flat_bytes(fields), message_id="1-0"), experiment())
