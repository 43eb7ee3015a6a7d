"""Messages become rows (second stop of a result's journey): one transaction a batch, commit, only then acknowledge.

A message that cannot be taken is stored as a rejection in the same transaction and copied to the dead-letter stream; it
never takes a good neighbour with it. Only what is wrong with the *data* makes a dead letter. A database or Redis that
is away is waited for, and nothing is acknowledged meanwhile.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import redis
import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from service import logs, observations, refreshes
from service.db import Database, insert_new
from service.errors import InvalidInputError, NotFoundError, ServiceError
from service.models import Experiment, Rejection
from service.nudge import Nudge
from service.schemas.experiment import Definition
from service.schemas.fields import parse_json_object
from service.schemas.result import Message, Result, check_result, parse_document, parse_message
from service.settings import Settings
from tasks.celery import app, context
from tasks.stream import DeadLetter, Entry, ResultStream

__all__ = ["Incoming", "Ingested", "Loop", "ingest", "main", "of_task", "submit_result"]

log = logging.getLogger(__name__)

BATCH: Final = 500
#: From this many readings on, entries are read one at a time: one of them may be what ends this process each time.
CAREFUL_FROM: Final = 2
#: An entry that was read more often than this is set aside. The last readings were of it alone.
MOST_DELIVERIES: Final = 5
CLAIM_EVERY_S: Final = 5.0
TRIM_EVERY_S: Final = 30.0
LONGEST_PAUSE_S: Final = 5.0
_DATA_ERRORS: Final = (DataError, IntegrityError, StatementError, ValueError)


@dataclass(frozen=True)
class Incoming:
    """A message before anybody looked at it: `parse` takes it apart, `raw` is what a dead letter shows of it."""

    id: str
    raw: Mapping[str, Any]
    parse: Callable[[], Message]


@dataclass(frozen=True)
class Ingested:
    """What became of a batch."""

    stored: int
    duplicates: int
    dead: tuple[DeadLetter, ...]


def ingest(database: Database, batch: Sequence[Incoming], *, source: str) -> Ingested:
    """Store a batch in one transaction. If the database refuses some value of it, find the one by halving."""
    if not batch:
        return Ingested(0, 0, ())
    try:
        with database.write() as session:
            return _store(session, batch, source=source, now=database.now(session))
    except _DATA_ERRORS as error:
        if isinstance(error, SQLAlchemyError) and not _is_about_data(error):
            raise
        if len(batch) == 1:
            return _reject(database, batch[0], error, source=source)
    half = len(batch) // 2
    first = ingest(database, batch[:half], source=source)
    second = ingest(database, batch[half:], source=source)
    return Ingested(first.stored + second.stored, first.duplicates + second.duplicates, first.dead + second.dead)


def _is_about_data(error: SQLAlchemyError) -> bool:
    """Whether the values are at fault: a lost connection or a lock is not the message's doing."""
    if isinstance(error, DataError | IntegrityError):
        return True
    return isinstance(error, StatementError) and isinstance(error.orig, ValueError | TypeError)


def _reject(database: Database, message: Incoming, error: Exception, *, source: str) -> Ingested:
    log.warning("message %s cannot be stored: %s", message.id, error)
    reason = "a value cannot be stored: expected plain text and finite numbers"
    letter = DeadLetter(message.id, "unstorable", reason, message.raw)
    with database.write() as session:
        _save_dead(session, [(letter, None)], source=source, now=database.now(session))
    return Ingested(0, 0, (letter,))


def _store(session: Session, batch: Sequence[Incoming], *, source: str, now: datetime) -> Ingested:
    dead: list[tuple[DeadLetter, int | None]] = []
    good: list[tuple[Incoming, Result]] = []
    parsed = _parse(batch, dead)
    definitions = _definitions(session, {message.experiment_id for _, message in parsed})
    for incoming, message in parsed:
        try:
            good.append((incoming, _check(message, definitions)))
        except ServiceError as error:
            known = message.experiment_id if message.experiment_id in definitions else None
            dead.append((_letter(incoming, error), known))
    outcomes = observations.store(session, [result for _, result in good], source=source, now=now)
    for (incoming, result), outcome in zip(good, outcomes, strict=True):
        if isinstance(outcome, observations.Refused):
            dead.append((_letter(incoming, outcome.error), result.experiment_id))
    _save_dead(session, dead, source=source, now=now)
    return Ingested(
        stored=sum(isinstance(outcome, observations.Stored) for outcome in outcomes),
        duplicates=sum(isinstance(outcome, observations.Duplicate) for outcome in outcomes),
        dead=tuple(letter for letter, _ in dead),
    )


def _parse(batch: Sequence[Incoming], dead: list[tuple[DeadLetter, int | None]]) -> list[tuple[Incoming, Message]]:
    parsed = []
    for incoming in batch:
        try:
            parsed.append((incoming, incoming.parse()))
        except ServiceError as error:
            dead.append((_letter(incoming, error), None))
    return parsed


def _letter(incoming: Incoming, error: ServiceError) -> DeadLetter:
    return DeadLetter(incoming.id, error.code, error.message, incoming.raw)


def _definitions(session: Session, experiment_ids: set[int]) -> dict[int, Definition | None]:
    """Read the definitions of the experiments that exist; None for a deleted one. Nobody changes them until the end."""
    refreshes.hold(session, sorted(experiment_ids))
    rows = session.scalars(sa.select(Experiment).where(Experiment.id.in_(experiment_ids)))
    return {row.id: Definition.of(row) if row.state == "active" else None for row in rows}


def _check(message: Message, definitions: Mapping[int, Definition | None]) -> Result:
    if message.experiment_id not in definitions:
        raise NotFoundError(f"No experiment {message.experiment_id}", field="experiment")
    definition = definitions[message.experiment_id]
    if definition is None:
        raise NotFoundError(f"Experiment {message.experiment_id} is deleted", field="experiment")
    return check_result(message, definition)


def _save_dead(session: Session, dead: Sequence[tuple[DeadLetter, int | None]], *, source: str, now: datetime) -> None:
    rows = [
        {
            "message_id": letter.message_id,
            "experiment_id": experiment_id,
            "source": source,
            "code": letter.code,
            "reason": letter.reason.replace("\x00", "\\0"),
            "raw": letter.raw,
            "created_at": now,
        }
        for letter, experiment_id in dead
    ]
    insert_new(session, Rejection, rows, unique=("message_id",), returning=("id",))


# -- the stream's door -----------------------------------------------------------------------------------------------


def _of_entry(entry: Entry) -> Incoming:
    raw = {_readable(name): _readable(value) for name, value in entry.fields.items()}
    return Incoming(entry.id, raw, lambda: _parse_entry(entry))


def _parse_entry(entry: Entry) -> Message:
    if entry.deliveries > MOST_DELIVERIES:
        message = f"it was read {entry.deliveries} times and never stored: reading it seems to end the process"
        raise InvalidInputError(message)
    return parse_message(entry.fields, message_id=entry.id)


def _readable(value: bytes, limit: int = 20_000) -> str:
    """Return bytes as text that a database can keep: as they are where they can be, base64 where not."""
    try:
        text = value[:limit].decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    return f"base64:{base64.b64encode(value[:limit]).decode()}" if "\x00" in text else text


class Loop:
    """Reads batch after batch until it is told to stop."""

    def __init__(self, database: Database, stream: ResultStream, nudge: Nudge) -> None:
        self._database = database
        self._stream = stream
        self._nudge = nudge
        self._claim_at = 0.0
        self._trim_at = 0.0
        self.stopping = threading.Event()

    def run(self) -> None:
        """Take what an earlier life of this reader left, then what comes. What is away is waited for."""
        pause = 0.1
        is_ready = False
        while not self.stopping.is_set():
            try:
                if not is_ready:
                    self._prepare()
                is_ready = True
                self._step()
                pause = 0.1
            except (redis.RedisError, SQLAlchemyError) as error:
                is_ready = False
                log.warning("%s: %s; again in %.1f s", type(error).__name__, str(error)[:200], pause)
                self.stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _prepare(self) -> None:
        self._stream.create_group()
        self._recover()

    def _recover(self) -> None:
        """Take what was read and never acknowledged, by this reader or by one that is gone."""
        while True:
            careful = self._stream.worst_delivery(count=BATCH) >= CAREFUL_FROM
            if not self._take(self._stream.own_pending(count=1 if careful else BATCH)):
                return

    def _step(self) -> None:
        now = time.monotonic()
        if now >= self._claim_at:
            self._claim_at = now + CLAIM_EVERY_S
            if self._stream.claim_stale(count=BATCH):
                self._recover()
        if now >= self._trim_at:
            self._trim_at = now + TRIM_EVERY_S
            self._stream.trim()
        self._take(self._stream.read(count=BATCH))

    def _take(self, entries: Sequence[Entry]) -> bool:
        if not entries:
            return False
        alive = [entry for entry in entries if entry.fields]
        done = ingest(self._database, [_of_entry(entry) for entry in alive], source="stream")
        self._stream.finish([entry.id for entry in entries], done.dead)
        if done.stored:
            self._nudge.relay()
        for letter in done.dead:
            log.warning("message %s refused: %s", letter.message_id, letter.reason)
        log.info("%d stored, %d known already, %d refused", done.stored, done.duplicates, len(done.dead))
        return True


def main() -> None:
    """Run the ingester until SIGTERM or SIGINT: it then finishes its batch and ends."""
    settings = Settings.from_env(os.environ)
    logs.set_up(settings)
    database = Database(settings.database_url)
    # A name that survives a restart: the new life takes over at once what the old one had read.
    stream = ResultStream(settings.redis_url, settings.reader)
    loop = Loop(database, stream, Nudge(settings.celery_broker_url))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stopping.set())
    log.info("reading results")
    loop.run()
    stream.close()
    database.close()


# -- Celery's door ---------------------------------------------------------------------------------------------------


def of_task(task_id: str, document: Mapping[str, Any]) -> Incoming:
    """Return a Celery message as it came; Celery's JSON lets NaN through, so it is read again, strictly."""
    text = json.dumps(document)
    message_id = f"celery:{task_id}"
    return Incoming(
        message_id,
        {"data": text},
        lambda: parse_document(parse_json_object(text, what="The message"), result_id=message_id),
    )


@app.task(name="tradespace.submit_result")
def submit_result(**document: Any) -> None:
    """Take a result from a producer that speaks Celery: the same document as the stream's field `data`."""
    held = context()
    done = ingest(held.database, [of_task(submit_result.request.id, document)], source="celery")
    for letter in done.dead:
        held.dead_letter(letter)
    if done.stored:
        held.nudge.relay()


if __name__ == "__main__":
    main()
