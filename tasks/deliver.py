"""Last stop of the webhook journey: sign, send, store the attempt, retry by the schedule. tasks.relay loops over it.

Claimed in one transaction, sent outside any, stored each in a transaction of its own. Killed at any point it may be
run again: what was claimed and not stored is due again when its lease ends, under the same message id.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime
from random import Random
from typing import Final

from service import webhooks
from service.db import Database
from service.errors import UnavailableError
from service.sealing import Seal
from service.settings import Settings

__all__ = ["GRACE_S", "THREADS", "deliver_due"]

_log = logging.getLogger(__name__)

#: Calls at a time. An endpoint gets two of them at most, and all those that fail no more than half of them together, so
#: that slow receivers leave the others theirs.
THREADS: Final = 16
_FAILING: Final = THREADS // 2
#: How long calls under way are waited for when it is to stop, in seconds. Those that take longer are sent again later.
GRACE_S: Final = 5.0
#: How often new deliveries are looked for while calls are under way, in seconds.
_LOOK_S: Final = 0.2
#: After a call has ended, how long to see whether more do, in seconds: one claim for several is cheaper than several.
_GATHER_S: Final = 0.01


def deliver_due(
    database: Database,
    settings: Settings,
    *,
    rng: Random,
    deadline_s: float = webhooks.DEADLINE_S,
    stopping: threading.Event | None = None,
) -> int:
    """Send all that is due, and what becomes due meanwhile; return the number of attempts once nothing is left to do.

    It does not wait for a slow call before it claims the next ones. When `stopping` is set it claims no more and
    returns within `GRACE_S`. A database that fails is the caller's to hear of; the leases bring the calls back.
    """
    stopping = stopping or threading.Event()
    attempts = 0
    errors: list[BaseException] = []
    running: dict[Future[None], webhooks.Prepared] = {}
    while not stopping.is_set() and not errors:
        failing = sum(prepared.is_failing for prepared in running.values())
        for prepared in _claim(database, THREADS - len(running), failing_limit=max(_FAILING - failing, 0)):
            running[_start(database, settings, prepared, rng, deadline_s)] = prepared
        if not running:
            return attempts
        wait(running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
        ended, _ = wait(running, timeout=_GATHER_S)
        running = {call: prepared for call, prepared in running.items() if call not in ended}
        attempts += len(ended)
        errors.extend(_errors(ended))
    ended, _ = wait(running, timeout=GRACE_S)
    for error in [*errors, *_errors(ended)]:
        raise error
    return attempts + len(ended)


def _errors(calls: set[Future[None]]) -> list[BaseException]:
    return [error for error in (call.exception() for call in calls) if error is not None]


def _claim(database: Database, limit: int, *, failing_limit: int) -> list[webhooks.Prepared]:
    if limit < 1:
        return []
    with database.look() as session:  # a look first: on SQLite a write transaction would hold up all other writers
        if not webhooks.has_due(session, database.now(session)):
            return []
    with database.write() as session:
        return webhooks.claim_due(session, database.now(session), limit, failing_limit=failing_limit)


def _start(
    database: Database, settings: Settings, prepared: webhooks.Prepared, rng: Random, deadline_s: float
) -> Future[None]:
    """Make one attempt in a thread of its own. A daemon, unlike an executor's: a process that is to stop does stop."""
    call: Future[None] = Future()

    def run() -> None:
        try:
            _deliver(database, settings, prepared, rng, deadline_s)
        except BaseException as error:
            call.set_exception(error)  # `deliver_due` raises it
        else:
            call.set_result(None)

    threading.Thread(target=run, name=f"delivery-{prepared.delivery_id}", daemon=True).start()
    return call


def _deliver(
    database: Database, settings: Settings, prepared: webhooks.Prepared, rng: Random, deadline_s: float
) -> None:
    """Make one attempt and store what came of it."""
    outcome = _attempt(settings, prepared, deadline_s)
    with database.write() as session:
        webhooks.record_outcome(session, prepared, outcome, database.now(session), rng=rng)
    if isinstance(outcome, webhooks.Failed):
        _log.info("delivery %s to webhook %s failed: %s", prepared.delivery_id, prepared.endpoint_id, outcome.error)


def _attempt(settings: Settings, prepared: webhooks.Prepared, deadline_s: float) -> webhooks.Outcome:
    try:
        seal = Seal.of(settings)
        return webhooks.post(
            prepared.url,
            body=prepared.body,
            message_id=prepared.message_id,
            secrets=[seal.opened(secret) for secret in prepared.secrets],
            at=datetime.now(UTC),
            allowed_private_hosts=settings.allowed_private_hosts,
            deadline_s=deadline_s,
        )
    except UnavailableError as error:
        _log.error("delivery %s to webhook %s was not sent: %s", prepared.delivery_id, prepared.endpoint_id, error)
        return webhooks.Failed(f"Tradespace failed to sign it: {error.message}", 0.0)
    except Exception as error:  # a fault of ours: stored as a failed attempt, or this delivery would stop all others
        _log.exception("delivery %s to webhook %s broke", prepared.delivery_id, prepared.endpoint_id)
        return webhooks.Failed(f"Tradespace failed to send it: {type(error).__name__}", 0.0)
