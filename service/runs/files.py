"""Files of runs: announced over the API, then uploaded to an address that alone allows it, kept in a folder of ours.

An address carries when it ends and a signature by the file's own key, which never leaves the database: whoever has the
address may put, or fetch, these very bytes and nothing else. What comes is held against the length and the MD5 that
were announced, and gets its name in the folder once it is whole.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from service.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from service.models import File, TrainingRun
from service.schemas.fields import Strict, parse_model, refuse, shorten

__all__ = ["LASTS", "Action", "NewFile", "announce", "check", "find", "ids_of", "path_of", "receive", "refusal", "sign"]

#: What an address allows.
Action = Literal["upload", "download"]

#: How long an address allows it.
LASTS: Final = timedelta(hours=1)
#: Files of one run.
MOST_FILES: Final = 1000
_KINDS: Final = ("application", "audio", "font", "image", "message", "model", "multipart", "text", "video")
_CONTENT_TYPE: Final = re.compile(rf"(?:{'|'.join(_KINDS)})/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{{0,126}}")


class NewFile(Strict):
    """The body that announces a file."""

    content_length: Annotated[int, Field(gt=0)]
    content_type: Annotated[str, StringConstraints(to_lower=True)]
    content_md5: str
    name: Annotated[str, Field(max_length=100)] | None = None
    filename: Annotated[str, Field(max_length=100)] | None = None


def announce(
    session: Session, run: TrainingRun, body: Mapping[str, Any], *, largest: int, all_of_client: int, now: datetime
) -> File:
    """Note a file that is about to be uploaded: up to `largest` bytes, and `all_of_client` bytes of all its files."""
    parsed = parse_model(NewFile, body)
    _check(parsed, largest)
    session.refresh(run, with_for_update=True)
    if len(ids_of(session, [run.id]).get(run.id, ())) >= MOST_FILES:
        raise PermissionDeniedError(f"Training run {run.id} cannot exceed {MOST_FILES} files.")
    if _bytes_of(session, run.client_id) + parsed.content_length > all_of_client:
        raise PermissionDeniedError(f"The files of all runs of client {run.client_id} may have {all_of_client} bytes.")
    file = File(
        training_run_id=run.id,
        name=parsed.name,
        filename=parsed.filename or "",
        content_type=parsed.content_type,
        content_length=parsed.content_length,
        content_md5=parsed.content_md5,
        upload_key=secrets.token_hex(32),
        created_at=now,
    )
    session.add(file)
    run.updated_at = now
    session.flush()
    return file


def _check(parsed: NewFile, largest: int) -> None:
    if parsed.content_length > largest:
        message = f".content_length must be less than or equal to {largest}, got {parsed.content_length}"
        raise InvalidInputError(message, field=".content_length", expected=f"at most {largest} bytes")
    if not _CONTENT_TYPE.fullmatch(parsed.content_type):
        refuse(".content_type", f".content_type must be a MIME type, got {shorten(parsed.content_type)}")
    if not _is_md5(parsed.content_md5):
        message = f".content_md5 must be an MD5 digest in base64, got {shorten(parsed.content_md5)}"
        raise InvalidInputError(message, field=".content_md5", expected="16 bytes in base64")
    for field in ("name", "filename"):
        text = getattr(parsed, field)
        if text and not text.isprintable():
            refuse(f".{field}", f".{field} must be printable, got {shorten(text)}")
    if not (parsed.name or parsed.filename):
        message = "At least one of name and filename is required"
        raise InvalidInputError(message, field=".filename", expected="a name")


def _is_md5(text: str) -> bool:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(digest) == 16 and base64.b64encode(digest).decode() == text


def _bytes_of(session: Session, client_id: int) -> int:
    total = sa.select(sa.func.coalesce(sa.func.sum(File.content_length), 0)).join(
        TrainingRun, TrainingRun.id == File.training_run_id
    )
    return int(session.scalar(total.where(TrainingRun.client_id == client_id)) or 0)


def find(session: Session, file_id: int) -> tuple[File, TrainingRun]:
    """Return a file with its run, or raise `NotFoundError`: the door asks whether the run may be seen."""
    file = session.get(File, file_id)
    if file is None:
        raise NotFoundError(f"No file {file_id}")
    return file, session.get_one(TrainingRun, file.training_run_id)


def ids_of(session: Session, run_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return the ids of runs' files, oldest first, by the runs' ids."""
    rows = session.execute(
        sa.select(File.training_run_id, File.id).where(File.training_run_id.in_(run_ids)).order_by(File.id)
    )
    found: dict[int, list[int]] = {}
    for run_id, file_id in rows:
        found.setdefault(run_id, []).append(file_id)
    return found


def sign(file: File, action: Action, *, now: datetime) -> dict[str, str]:
    """Return what an address needs to allow `action` for a while."""
    expires = str(int((now + LASTS).timestamp()))
    return {"action": action, "expires": expires, "signature": _signature(file, action, expires)}


def _signature(file: File, action: str, expires: str) -> str:
    return hmac.new(file.upload_key.encode(), f"{action}:{file.id}:{expires}".encode(), sha256).hexdigest()


def check(file: File, action: Action, given: Mapping[str, str], *, now: datetime) -> None:
    """Raise `PermissionDeniedError` unless an address allows `action`, and still does."""
    expires = given.get("expires", "")
    is_ours = hmac.compare_digest(_signature(file, action, expires).encode(), given.get("signature", "").encode())
    if not is_ours:
        raise refusal(action)
    if datetime.fromtimestamp(int(expires), UTC) <= now:
        raise PermissionDeniedError(f"This address has ended: ask for file {file.id} again to get another one.")


def refusal(action: Action) -> PermissionDeniedError:
    """What is said to an address that was made up."""
    return PermissionDeniedError(f"This address does not allow this {action}: its signature is another one.")


def path_of(folder: Path, file: File, run: TrainingRun) -> Path:
    """Return where a file's bytes lie: nothing that a caller said is part of it."""
    return folder / str(run.client_id) / str(file.id)


def receive(target: Path, file: File, chunks: Iterable[bytes]) -> None:
    """Write what comes, and give it its name once it is what was announced; else leave nothing behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            _write(out.write, file, chunks)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write(write: Any, file: File, chunks: Iterable[bytes]) -> None:
    length, digest = 0, md5(usedforsecurity=False)
    for chunk in chunks:
        length += len(chunk)
        if length > file.content_length:
            break
        digest.update(chunk)
        write(chunk)
    if length != file.content_length:
        what = "more" if length > file.content_length else str(length)
        message = f"Content-Length: {file.content_length} bytes were announced, {what} came"
        raise InvalidInputError(message, field="Content-Length", expected=f"{file.content_length} bytes")
    if base64.b64encode(digest.digest()).decode() != file.content_md5:
        message = f"Content-MD5: these bytes have another digest than the announced {file.content_md5}"
        raise InvalidInputError(message, field="Content-MD5", expected=file.content_md5)
