"""/v1/experiments/ID/export and the ways in: a whole experiment as JSON, a study of Optuna's, a CSV table.

An import is larger than any other request may be. It is spooled to a file, checked as a whole and then stored in small
transactions, so that neither memory nor other writers suffer; what fails half-way leaves a deleted experiment.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from typing import Any, BinaryIO, Final, cast

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from service import experiments, transfer
from service.api.auth import caller, requires
from service.api.door import read, read_at_leisure, write
from service.api.experiments import found
from service.api.wire import parse_id, reply
from service.errors import ConflictError, InvalidInputError
from service.models import Experiment, Project
from service.transfer import optuna

__all__ = ["LARGEST_IMPORT", "blueprint"]

blueprint = Blueprint("transfer", __name__)

#: Bytes of a file that comes in: about a million observations of ten numbers.
LARGEST_IMPORT: Final = 256 * 1024 * 1024
#: The same where the request has an Idempotency-Key.
LARGEST_KEYED: Final = 16 * 1024 * 1024
#: Bytes that are held in memory before a file is made of them.
_IN_MEMORY: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024
#: What an Optuna journal is sent as, and the bytes by which it is known where it was sent as something else.
_NDJSON: Final = "application/x-ndjson"
_HEAD: Final = 64
_FORMATS: Final = {"json": "application/json", "csv": "text/csv"}


@blueprint.before_request
def _allow_more() -> None:
    request.max_content_length = LARGEST_KEYED if _is_keyed() else LARGEST_IMPORT


def _is_keyed() -> bool:
    """Whether the request has an Idempotency-Key, for which all of its body is looked at in memory."""
    return "Idempotency-Key" in request.headers


@blueprint.get("/v1/experiments/<experiment_id>/export")
@requires("read")
def export(experiment_id: str) -> Response:
    """Return the whole experiment as a file: `format=json` to import it elsewhere, `format=csv` for a table."""
    form = request.args.get("format", "json")
    if form not in _FORMATS:
        raise InvalidInputError(f"Invalid format: {form[:40]}, expected json or csv", field="format", expected="json")
    key = parse_id(experiment_id, "experiment")
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 the reply closes it
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    with read_at_leisure() as door:
        row = found(door, experiment_id)
        if form == "csv":
            transfer.export_csv(door.session, row, text)
        else:
            transfer.export_json(door.session, row, text, now=door.now)
    text.detach()
    name = f"experiment_{key}.json" if form == "json" else f"experiment_{key}_observations.csv"
    return _file(file, name, _FORMATS[form])


def _file(file: BinaryIO, name: str, mimetype: str) -> Response:
    """Answer with a file from its first byte on, and close it afterwards, also for a caller that hangs up."""
    length = file.tell()
    file.seek(0)
    response = Response(_pieces(file), mimetype=mimetype)
    response.content_length = length
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.call_on_close(file.close)
    return response


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK):
            yield piece


@blueprint.post("/v1/experiments/import")
@requires("write", development=False, for_project=False)
def import_experiment() -> Response:
    """Make a new experiment of what `export` gave, or of an Optuna journal: as the body, or as the file of a form.

    `name` renames it, `project` gives it to another project than the file names, `study` says which one of a journal's.
    """
    who = caller()
    with read() as door:
        project = None if who.project_id is None else door.session.get_one(Project, who.project_id).reference
    with _received() as received, _as_experiment(received) as (file, more):
        task = transfer.Import(
            file,
            client_id=who.client_id,
            name=request.args.get("name"),
            project=project or request.args.get("project"),
            development=who.development,
        )
        task.check()
        try:
            _run(task.steps())
        except Exception:
            if task.experiment_id is not None:
                _put_away(task.experiment_id)
            raise
    return reply({"object": "import", "experiment": str(task.experiment_id), **task.counts, **more})


@contextmanager
def _as_experiment(file: BinaryIO) -> Iterator[tuple[BinaryIO, dict[str, Any]]]:
    """Give the file as our JSON, with what the reply says of how it became that: a journal leaves trials out."""
    file.seek(0)
    is_journal = request.mimetype == _NDJSON or optuna.is_journal(file.read(_HEAD))
    file.seek(0)
    if not is_journal:
        yield file, {}
        return
    study = optuna.chosen(optuna.read_journal(file), request.args.get("study"))
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as made:
        text = TextIOWrapper(cast("BinaryIO", made), encoding="utf-8")
        report = optuna.write(study, text)
        text.detach()
        yield cast("BinaryIO", made), {"left_out": dict(report.left_out)}


def _put_away(experiment_id: int) -> None:
    """Delete what was made of an import that failed: half an experiment would pass for a whole one."""
    with write() as door:
        row = door.session.get_one(Experiment, experiment_id)
        transfer.put_runs_away(door.session, row)
        experiments.delete(door.session, row, now=door.now)


@blueprint.post("/v1/experiments/<experiment_id>/import")
@requires("report")
def import_table(experiment_id: str) -> Response:
    """Add the observations of a CSV file: as the body, or as the file of a form. The same file again adds nothing."""
    with read() as door:
        row = found(door, experiment_id)
    if row.state != "active":
        raise ConflictError(f"Experiment {row.id} is deleted: restore it first", field="state")
    with _received() as file:
        table = transfer.Table(file, row)
        table.check()
        _run(table.steps())
    counts: dict[str, Any] = {"observations": table.count, "stored": table.stored}
    return reply({"object": "import", "experiment": str(row.id), **counts})


def _run(steps: Iterable[transfer.Step]) -> None:
    for step in steps:
        with write() as door:
            step(door.session, door.now)


@contextmanager
def _received() -> Iterator[BinaryIO]:
    """Give the file of the request: the one file of a form, or the body itself."""
    if request.mimetype == "multipart/form-data":
        files = list(request.files.values())
        if len(files) != 1:
            raise InvalidInputError(f"expected one file in the form, got {len(files)}", field="file", expected="a file")
        yield cast("BinaryIO", files[0].stream)
        return
    if _is_keyed():
        yield BytesIO(request.get_data())
        return
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        size = 0
        while piece := request.stream.read(_CHUNK):
            size += len(piece)
            if size > LARGEST_IMPORT:  # a body sent in chunks says no length beforehand
                raise RequestEntityTooLarge
            file.write(piece)
        yield cast("BinaryIO", file)
