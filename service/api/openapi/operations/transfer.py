"""Whole experiments and tables of observations, out and in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.api.openapi.operation import Operation
from service.api.openapi.parameters import query, words

__all__ = ["OPERATIONS"]

_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
    "required": ["file"],
}

OPERATIONS: Final[Mapping[str, Operation]] = {
    "transfer.export": Operation(
        media=("application/json", "text/csv"), query=(words("format", "All of it, or a table.", "json", "csv"),)
    ),
    "transfer.import_experiment": Operation(
        reply="import",
        takes={
            "application/json": {"type": "object"},
            "application/x-ndjson": {"type": "string"},
            "multipart/form-data": _FORM,
        },
        query=(
            query("name", "Another name for it."),
            query("project", "The project that gets it, where it is not the one that the file names."),
            query("study", "Of an Optuna journal with several studies: which one."),
        ),
    ),
    "transfer.import_table": Operation(
        reply="import", takes={"text/csv": {"type": "string"}, "multipart/form-data": _FORM}
    ),
}
