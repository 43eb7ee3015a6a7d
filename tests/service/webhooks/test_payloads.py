"""What a receiver is sent: thin, in the shape that the contract says, never too large."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from service.events import EventType
from service.models import Event
from service.webhooks.payloads import MAX_BODY_BYTES, body_of


def event(data: dict[str, Any], *, experiment_id: int | None = 12) -> Event:
    return Event(
        id=345,
        client_id=1,
        experiment_id=experiment_id,
        type=EventType.FRONT_CHANGED.value,
        data=data,
        created_at=datetime(2026, 3, 1, 12, 30, 5, 250_000, tzinfo=UTC),
    )


def test_the_payload_has_type_timestamp_and_data_with_a_sequence_since_order_is_not_promised() -> None:
    assert json.loads(body_of(event({"generation": 3, "added": [7], "size": 5}))) == {
        "type": "front.changed",
        "timestamp": "2026-03-01T12:30:05.250000Z",
        "data": {"generation": 3, "added": [7], "size": 5, "experiment": "12", "sequence": 345},
    }


def test_an_event_of_no_experiment_says_so() -> None:
    assert json.loads(body_of(event({}, experiment_id=None)))["data"] == {"experiment": None, "sequence": 345}


def test_lists_that_would_make_it_too_large_are_left_out_and_named() -> None:
    body = body_of(event({"generation": 3, "added": list(range(10_000)), "removed": [1]}))
    assert len(body.encode()) < MAX_BODY_BYTES
    assert json.loads(body)["data"] == {
        "generation": 3,
        "omitted": ["added", "removed"],
        "experiment": "12",
        "sequence": 345,
    }


def test_even_an_event_of_endless_text_stays_within_the_limit() -> None:
    body = body_of(event({"reason": "ä" * MAX_BODY_BYTES}))
    assert len(body.encode()) < MAX_BODY_BYTES
    assert json.loads(body)["data"] == {"omitted": ["*"], "experiment": "12", "sequence": 345}
