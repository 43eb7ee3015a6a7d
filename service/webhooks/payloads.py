"""What a receiver is sent: `{type, timestamp, data}`, thin, never larger than the Standard Webhooks scheme allows."""

from __future__ import annotations

from datetime import UTC
from typing import Any, Final

from service.db import strict_json
from service.models import Event

__all__ = ["MAX_BODY_BYTES", "body_of"]

#: The scheme asks for less than 20 kB.
MAX_BODY_BYTES: Final = 20_000


def body_of(event: Event) -> str:
    """Return the text that every attempt of every delivery of `event` sends.

    What makes it too large (a front of hundreds of points) is left out and named in `omitted`: the API has it all.
    """
    body = _payload(event, event.data)
    if len(body.encode()) < MAX_BODY_BYTES:
        return body
    kept = {name: value for name, value in event.data.items() if not isinstance(value, list | dict)}
    body = _payload(event, {**kept, "omitted": sorted(set(event.data) - set(kept))})
    return body if len(body.encode()) < MAX_BODY_BYTES else _payload(event, {"omitted": ["*"]})


def _payload(event: Event, data: dict[str, Any]) -> str:
    experiment = None if event.experiment_id is None else str(event.experiment_id)
    return strict_json(
        {
            "type": event.type,
            "timestamp": event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "data": {**data, "experiment": experiment, "sequence": event.id},
        }
    )
