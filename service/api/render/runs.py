"""Runs as the API shows them, their checkpoints and files, and the fields that a list of them has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service.api.render.values import Json, value
from service.api.wire import epoch
from service.models import Checkpoint, File, Tag, TrainingRun
from service.runs.defined import DefinedField

__all__ = ["checkpoint", "defined_field", "file", "tag", "training_run"]

_NO_CODE: Final[Mapping[str, None]] = {"content": None, "hash": None}


def training_run(
    row: TrainingRun, *, project: str | None, checkpoint_count: int = 0, files: Sequence[int] = ()
) -> Json:
    """A run with all that it said."""
    document = row.document
    return {
        "object": "training_run",
        "id": str(row.id),
        "name": row.name,
        "project": project,
        "client": str(row.client_id),
        "user": None,
        "experiment": _id(row.experiment_id),
        "suggestion": _id(row.suggestion_id),
        "observation": _id(row.observation_id),
        "state": row.state,
        "finished": row.observation_id is not None or row.completed_at is not None,
        "created": epoch(row.created_at),
        "updated": epoch(row.updated_at),
        "completed": epoch(row.completed_at),
        "deleted": row.deleted,
        "favorite": row.favorite,
        "assignments": document.get("assignments", {}),
        "assignments_meta": _each(document, "assignments_meta", "assignments_meta"),
        "assignments_sources": _each(document, "assignments_sources", "assignments_sources"),
        "values": {
            name: value(name, item["value"], item.get("value_stddev"))
            for name, item in document.get("values", {}).items()
        },
        "metadata": document.get("metadata"),
        "dev_metadata": document.get("dev_metadata", {}),
        "sys_metadata": document.get("sys_metadata", {}),
        "datasets": {name: {"object": "dataset"} for name in document.get("datasets", {})},
        "logs": _each(document, "logs", "log"),
        "model": {"object": "model", "type": document.get("model", {}).get("type")},
        "source_code": {"object": "source_code", **_NO_CODE, **document.get("source_code", {})},
        "tags": [str(key) for key in row.tags],
        "files": [str(key) for key in files],
        "checkpoint_count": checkpoint_count,
    }


def _id(key: int | None) -> str | None:
    return None if key is None else str(key)


def _each(document: Mapping[str, Any], part: str, kind: str) -> Json:
    return {name: {"object": kind, **item} for name, item in document.get(part, {}).items()}


def checkpoint(row: Checkpoint) -> Json:
    """Values of a run on its way."""
    return {
        "object": "checkpoint",
        "id": str(row.id),
        "training_run": str(row.training_run_id),
        "created": epoch(row.created_at),
        "values": [value(item["name"], item["value"], item["value_stddev"]) for item in row.values],
        "metadata": row.meta,
    }


def file(row: File, *, client_id: int, upload: Json | None = None, download: str | None = None) -> Json:
    """A file of a run, with the address that it can be uploaded to or fetched from."""
    shown: Json = {
        "object": "file",
        "id": str(row.id),
        "client": str(client_id),
        "user": None,
        "training_run": str(row.training_run_id),
        "name": row.name,
        "filename": row.filename or None,
        "content_length": row.content_length,
        "content_type": row.content_type,
        "content_md5": row.content_md5,
        "created": epoch(row.created_at),
        "uploaded": epoch(row.uploaded_at),
    }
    if upload is not None:
        return {**shown, "upload": {"object": "s3_upload", **upload}}
    return {**shown, "download": download and {"object": "s3_download", "url": download}}


def tag(row: Tag) -> Json:
    """A word with a colour that runs can carry."""
    return {"object": "tag", "id": str(row.id), "name": row.name, "color": row.color, "client": str(row.client_id)}


def defined_field(field: DefinedField) -> Json:
    """A field that runs of a list have."""
    return {
        "object": "field",
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "sortable": True,
        "count": field.count,
    }
