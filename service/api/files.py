"""/v1/training_runs/ID/files and /v1/files: announced here, uploaded to and fetched from addresses that are signed.

What people upload never becomes part of a page: it is only ever saved (`Content-Disposition: attachment`), as what it
was announced to be and nothing else (`nosniff`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, request, send_file, url_for

from service.api import render
from service.api.auth import requires
from service.api.door import Door, read, services, write
from service.api.training_runs import found_run
from service.api.wire import body, parse_id, reply
from service.errors import NotFoundError
from service.models import File, TrainingRun
from service.runs import files

__all__ = ["blueprint"]

blueprint = Blueprint("files", __name__)

_CHUNK: Final = 64 * 1024
_MEBIBYTE: Final = 1024 * 1024


@blueprint.post("/v1/training_runs/<training_run_id>/files")
@requires("write", development=True)
def create(training_run_id: str) -> Response:
    """Announce a file of a run. The reply says where, how and with which headers to upload it, within an hour."""
    given, settings = body(), services().settings
    with write() as door:
        run = found_run(door, training_run_id)
        row = files.announce(
            door.session,
            run,
            given,
            largest=settings.largest_file_mb * _MEBIBYTE,
            all_of_client=settings.files_mb_per_client * _MEBIBYTE,
            now=door.now,
        )
        headers = {"Content-Type": row.content_type, "Content-MD5": row.content_md5}
        upload = {"method": "PUT", "url": _address(door, row, "upload"), "headers": headers}
        shown = render.file(row, client_id=run.client_id, upload=upload)
    return reply(shown)


def _address(door: Door, row: File, action: files.Action) -> str:
    signed: dict[str, Any] = files.sign(row, action, now=door.now)
    return url_for(f"files.{action}", file_id=row.id, _external=True, **signed)


@blueprint.get("/v1/files/<file_id>")
@requires("read", development=True)
def one(file_id: str) -> Response:
    """Return a file's facts, with an address to fetch it from within an hour; null while nothing was uploaded."""
    with read() as door:
        row, run = files.find(door.session, parse_id(file_id, "file"))
        try:
            found_run(door, str(run.id))
        except NotFoundError as error:
            raise NotFoundError(f"No file {file_id}") from error
        download = None if row.uploaded_at is None else _address(door, row, "download")
        shown = render.file(row, client_id=run.client_id, download=download)
    return reply(shown)


@blueprint.put("/v1/files/<file_id>/content")
def upload(file_id: str) -> Response:
    """Take the bytes of a file at the address that its announcement gave. The same bytes may come again."""
    row, run = _allowed(file_id, "upload")
    request.max_content_length = (
        row.content_length + _CHUNK
    )  # a little over, so that the refusal says what was announced
    target = files.path_of(Path(services().settings.files_dir), row, run)
    files.receive(target, row, _chunks())
    with write() as door:
        door.session.get_one(File, row.id).uploaded_at = door.now
    return reply({})


def _allowed(file_id: str, action: files.Action) -> tuple[File, TrainingRun]:
    """Return the file of the path if this address allows `action`; one that is not there is refused like any other."""
    with read() as door:
        try:
            row, run = files.find(door.session, parse_id(file_id, "file"))
        except NotFoundError as error:
            raise files.refusal(action) from error
        files.check(row, action, request.args, now=door.now)
    return row, run


def _chunks() -> Iterator[bytes]:
    while chunk := request.stream.read(_CHUNK):
        yield chunk


@blueprint.get("/v1/files/<file_id>/content")
def download(file_id: str) -> Response:
    """Hand out the bytes of a file at the address that its facts gave."""
    row, run = _allowed(file_id, "download")
    path = files.path_of(Path(services().settings.files_dir), row, run)
    if row.uploaded_at is None or not path.exists():
        raise NotFoundError(f"File {file_id} has no content yet")
    name = row.filename or row.name or f"file-{row.id}"
    return send_file(path.resolve(), mimetype=row.content_type, as_attachment=True, download_name=name, max_age=0)
