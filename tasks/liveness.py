"""Whether an ingester or a relay does its work: for health checks, as exit status and a sentence.

A process counts as alive by what it does, not by being there: an ingester by having asked the stream lately, a relay by
events that do not wait.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import redis
import sqlalchemy as sa

from service.db import Database
from service.models import Event
from service.settings import Settings
from tasks.stream import GROUP, STREAM

__all__ = ["CHECKS", "ingest_trouble", "main", "relay_trouble"]

#: An ingester asks every second; a batch on a slow disk may take several.
LONGEST_SILENCE_S: Final = 20.0
#: A relay looks four times a second.
LONGEST_WAIT: Final = timedelta(seconds=30)


def ingest_trouble(settings: Settings) -> str | None:
    """Return what is wrong with the ingester called `settings.reader`, None if it asked the stream lately."""
    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=5) as client:
            readers = client.xinfo_consumers(STREAM, GROUP)
    except redis.RedisError as error:
        return f"Redis does not answer: {type(error).__name__}: {error}"
    silent = {reader["name"].decode(): reader["idle"] / 1000 for reader in readers}
    if settings.reader not in silent:
        return f"no reader {settings.reader!r} in group {GROUP!r}: TRADESPACE_READER must be the ingester's own"
    if silent[settings.reader] > LONGEST_SILENCE_S:
        return f"reader {settings.reader!r} has not asked the stream for {silent[settings.reader]:.0f} s"
    return None


def relay_trouble(settings: Settings) -> str | None:
    """Return what is wrong with the relay, None if no event has waited for it for long."""
    database = Database(settings.database_url)
    try:
        with database.read() as session:
            oldest = session.scalar(sa.select(sa.func.min(Event.created_at)).where(Event.relayed_at.is_(None)))
            waited = timedelta(0) if oldest is None else database.now(session) - oldest
    except sa.exc.SQLAlchemyError as error:
        return f"the database does not answer: {type(error).__name__}"
    finally:
        database.close()
    return f"an event has waited for {waited.total_seconds():.0f} s" if waited > LONGEST_WAIT else None


CHECKS: Final[Mapping[str, Callable[[Settings], str | None]]] = {"ingest": ingest_trouble, "relay": relay_trouble}


def main() -> None:
    """Check the process named by the argument; end with status 1 and the reason if it does not do its work."""
    trouble = CHECKS[sys.argv[1]](Settings.from_env(os.environ))
    sys.exit(trouble)


if __name__ == "__main__":
    main()
