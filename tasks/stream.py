"""The Redis stream of results (first stop of a result's journey): read, claim stale, acknowledge, dead-letter.

| key | what |
|---|---|
| `tradespace:results` | stream of results; the group `ingest` reads it |
| `tradespace:results:dead` | stream of refused messages with the reason, at most about 100,000 |

An entry is acknowledged after the commit that stored it, so it may be read twice and never lost; the database knows
it by its result id. Entries are trimmed once every group has acknowledged them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["DEAD", "GROUP", "STREAM", "DeadLetter", "Entry", "ResultStream"]

STREAM: Final = "tradespace:results"
DEAD: Final = "tradespace:results:dead"
GROUP: Final = "ingest"
#: Longer than the slowest batch: an entry that its reader holds for this long is somebody else's now.
STALE_MS: Final = 30_000
LONGEST_DEAD: Final = 100_000
#: How long one read waits for the first entry; shorter than the socket's time limit.
BLOCK_MS: Final = 1000
SOCKET_TIMEOUT_S: Final = 5


@dataclass(frozen=True)
class Entry:
    """A message as it came. `deliveries` counts how often it was handed out."""

    id: str
    fields: Mapping[bytes, bytes]
    deliveries: int = 1


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be taken, and why."""

    message_id: str
    code: str
    reason: str
    raw: Mapping[str, Any]


class ResultStream:
    """The stream as one reader of the group sees it. `reader` must be this process's own name."""

    def __init__(self, url: str, reader: str, *, stale_ms: int = STALE_MS) -> None:
        # Each call is tried once: the caller's loop retries, and knows what is safe to do twice.
        self._redis = redis.Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=3,
            health_check_interval=10,
        )
        self._reader = reader
        self._stale_ms = stale_ms

    def create_group(self) -> None:
        """Make the group where it is missing, from the first entry on: results sent before we came count too."""
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self, *, count: int, block_ms: int = BLOCK_MS) -> list[Entry]:
        """Return up to `count` new entries; wait a moment if there are none. A group that has vanished is made anew."""
        try:
            reply = self._redis.xreadgroup(GROUP, self._reader, {STREAM: ">"}, count=count, block=block_ms)
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self.create_group()
            return []
        return _entries(_of_stream(reply))

    def worst_delivery(self, *, count: int) -> int:
        """Return how often the most often read of this reader's unacknowledged entries was read, 0 without any."""
        rows = self._redis.xpending_range(STREAM, GROUP, min="-", max="+", count=count, consumername=self._reader)
        return max((int(row["times_delivered"]) for row in rows), default=0)

    def own_pending(self, *, count: int) -> list[Entry]:
        """Read again what this reader took and never acknowledged. Each entry read so counts as delivered once more."""
        entries = _entries(_of_stream(self._redis.xreadgroup(GROUP, self._reader, {STREAM: "0"}, count=count)))
        if not entries:
            return []
        rows = self._redis.xpending_range(
            STREAM, GROUP, min=entries[0].id, max=entries[-1].id, count=len(entries), consumername=self._reader
        )
        times = {_text(row["message_id"]): int(row["times_delivered"]) for row in rows}
        return [Entry(entry.id, entry.fields, times.get(entry.id, 1)) for entry in entries]

    def claim_stale(self, *, count: int) -> int:
        """Make entries ours that another reader has held for too long; `own_pending` then reads them.

        Returns how many were taken over. Only their ids are asked for, so that this does not count as a delivery.
        """
        idle = self._redis.xpending_range(STREAM, GROUP, min="-", max="+", count=count, idle=self._stale_ms)
        if not idle:
            return 0
        ids: list[Any] = [row["message_id"] for row in idle]
        taken = self._redis.xclaim(STREAM, GROUP, self._reader, self._stale_ms, ids, justid=True)
        return len(taken)

    def finish(self, ids: Sequence[str], dead: Sequence[DeadLetter]) -> None:
        """Acknowledge entries whose fate is committed, and copy the refused ones to the dead-letter stream."""
        if not ids:
            return
        with self._redis.pipeline(transaction=True) as pipe:
            for letter in dead:
                pipe.xadd(DEAD, _fields(letter), maxlen=LONGEST_DEAD, approximate=True)
            pipe.xack(STREAM, GROUP, *ids)
            pipe.execute()

    def add_dead(self, dead: Sequence[DeadLetter]) -> None:
        """Copy refused messages that did not come by the stream to the dead-letter stream."""
        for letter in dead:
            self._redis.xadd(DEAD, _fields(letter), maxlen=LONGEST_DEAD, approximate=True)

    def trim(self) -> None:
        """Drop entries that every group has acknowledged. Never by length: that would drop unread ones."""
        lowest = [self._lowest_needed(group) for group in self._redis.xinfo_groups(STREAM)]
        if lowest:
            self._redis.xtrim(STREAM, minid=min(lowest, key=_order), approximate=False)

    def _lowest_needed(self, group: Mapping[str, Any]) -> str:
        """Return the id from which on this group still needs the entries."""
        if group["pending"]:
            summary = self._redis.xpending(STREAM, group["name"])
            return _text(summary["min"])
        time_ms, sequence = _order(_text(group["last-delivered-id"]))
        return f"{time_ms}-{sequence + 1}"

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()


def _fields(letter: DeadLetter) -> dict[Any, Any]:
    return {
        "message_id": letter.message_id,
        "code": letter.code,
        "reason": letter.reason,
        "raw": json.dumps(letter.raw),
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _of_stream(reply: Any) -> Any:
    """Return the entries of our one stream from a read of several (a list in RESP2, a mapping in RESP3)."""
    if not reply:
        return []
    if isinstance(reply, dict):
        blocks = next(iter(reply.values()))
        return blocks[0] if blocks and isinstance(blocks[0], list) else blocks
    return reply[0][1]


def _entries(rows: Any) -> list[Entry]:
    """Return entries; one that was deleted while it was pending has no fields and is only acknowledged."""
    return [Entry(key.decode(), fields or {}) for key, fields in rows]


def _order(entry_id: str) -> tuple[int, int]:
    time_ms, _, sequence = entry_id.partition("-")
    return int(time_ms), int(sequence or 0)
