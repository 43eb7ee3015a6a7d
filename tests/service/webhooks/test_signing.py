"""Signatures: what the Standard Webhooks scheme asks for, and what its Python library trips over."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook

from service.webhooks.signing import new_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = '{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_example_is_signed_as_published() -> None:
    assert signed_headers([SECRET], message_id=MESSAGE, at=AT, body=BODY) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_the_same_instant_in_another_time_zone_has_the_same_signature() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    assert signed_headers([SECRET], message_id=MESSAGE, at=elsewhere, body=BODY)["webhook-signature"] == SIGNATURE


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        signed_headers([SECRET], message_id=MESSAGE, at=AT.replace(tzinfo=None), body=BODY)


def test_nothing_is_sent_unsigned() -> None:
    with pytest.raises(ValueError, match="no secret"):
        signed_headers([], message_id=MESSAGE, at=AT, body=BODY)


def test_while_a_secret_is_rotated_the_old_and_the_new_one_both_verify() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers([old, new], message_id=MESSAGE, at=datetime.now(UTC), body=BODY)
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers) == {"test": 2432232314}


def test_a_secret_is_32_random_bytes_in_the_form_of_the_scheme() -> None:
    one, other = new_secret(), new_secret()
    assert one != other
    assert one.startswith("whsec_")
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32
