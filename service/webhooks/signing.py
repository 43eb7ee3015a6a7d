"""Signatures of the Standard Webhooks scheme 1.0.0: by them a receiver knows who wrote, when, and that nothing changed.

Stop "deliver" of the webhook journey. What is signed is `{id}.{timestamp}.{body}`; the id is the same at every attempt
(the receiver's idempotency key), timestamp and signature are of this attempt.
"""

from __future__ import annotations

import base64
import secrets as random_source
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

__all__ = ["new_secret", "signed_headers"]

_MARK: Final = "whsec_"
#: Bytes of randomness in a secret; the scheme asks for 24 to 64.
_SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Make the secret of one endpoint: `whsec_` and the base64 of 32 random bytes."""
    return _MARK + base64.b64encode(random_source.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(secrets: Sequence[str], *, message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return the three headers that sign `body` as sent `at` (aware), with one signature for each of `secrets`.

    With two secrets, the old and the new one, a receiver that knows either can verify: that is how a secret is rotated.

    >>> headers = signed_headers(
    ...     ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ...     message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...     at=datetime.fromtimestamp(1614265330, UTC),
    ...     body='{"test": 2432232314}',
    ... )
    >>> headers["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    if not secrets:
        raise ValueError("no secret to sign with")
    if at.tzinfo is None:
        raise ValueError(f"a naive time was given: {at!r}")
    utc = at.astimezone(UTC)  # the library overwrites the time zone with UTC, whatever it was
    signatures = [Webhook(secret).sign(message_id, utc, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(utc.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
