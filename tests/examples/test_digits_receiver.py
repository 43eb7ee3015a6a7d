"""The example's receiver of webhooks: it takes nothing that it cannot trust."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from examples.digits.receiver import Receiver

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBleGFtcGxl"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def deliver(receiver: Receiver, data: dict[str, Any], *, message_id: str = "msg_1", secret: str = SECRET) -> int:
    body = json.dumps({"type": "front.changed", "timestamp": "2026-11-23T08:00:00Z", "data": data})
    now = datetime.now(UTC)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(msg_id=message_id, timestamp=now, data=body),
    }
    return httpx.post(receiver.url, content=body, headers=headers).status_code


def test_a_signed_delivery_counts_once_however_often_it_comes(receiver: Receiver) -> None:
    receiver.trust(SECRET)
    assert [deliver(receiver, {"sequence": 1}) for _ in range(2)] == [204, 204]
    assert receiver.verified == {"front.changed": 1}
    assert receiver.refused == 0


def test_what_is_signed_with_another_secret_is_refused_and_not_counted(receiver: Receiver) -> None:
    receiver.trust(SECRET)
    assert deliver(receiver, {"sequence": 1}, secret="whsec_" + "b3RoZXI=") == 401
    assert httpx.post(receiver.url, content=b"\xff", headers={"webhook-id": "1"}).status_code == 401
    assert (receiver.verified, receiver.refused) == ({}, 2)


def test_before_the_secret_is_known_the_service_is_asked_to_come_again(receiver: Receiver) -> None:
    assert deliver(receiver, {"sequence": 1}) == 503
    assert receiver.refused == 0


def test_an_event_that_was_overtaken_does_not_replace_the_newer_one(receiver: Receiver) -> None:
    receiver.trust(SECRET)
    deliver(receiver, {"sequence": 2, "size": 9}, message_id="msg_2")
    deliver(receiver, {"sequence": 1, "size": 4}, message_id="msg_1")
    assert receiver.newest("front.changed")["size"] == 9
