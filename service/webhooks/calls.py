"""One call of one receiver: sign, POST, read a little of the reply, and say what came of it. No row is seen here.

Stop "deliver" of the webhook journey; called by tasks.deliver outside any transaction.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Sequence, Set
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import requests
import urllib3
from AntiSSRF import AntiSSRFError  # type: ignore[import-untyped]
from urllib3.util.ssl_match_hostname import CertificateError

from service.errors import InvalidInputError
from service.webhooks.deadline import Deadline
from service.webhooks.outcomes import Failed, Outcome, Succeeded
from service.webhooks.signing import signed_headers
from service.webhooks.targets import Transport, check

__all__ = ["DEADLINE_S", "post"]

#: Seconds for everything after the name look-up: connecting, TLS, sending, the whole reply.
DEADLINE_S: Final = 20.0
#: Bytes of a reply's body that are read, out of politeness; more is left unread.
_MAX_REPLY: Final = 64 * 1024
_PIECE: Final = 8 * 1024
_USER_AGENT: Final = "Tradespace-Webhooks/1"
_NETWORK_ERRORS: Final = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


def post(
    url: str,
    *,
    body: str,
    message_id: str,
    secrets: Sequence[str],
    at: datetime,
    allowed_private_hosts: Set[str],
    deadline_s: float = DEADLINE_S,
    ca_file: str | None = None,
) -> Outcome:
    """Send `body` to `url`, signed as of `at`. Whatever the receiver does, the answer is an outcome, not an error.

    A reply counts when it is complete (or its first 64 KiB are here) within `deadline_s`; only 2xx is success, and a
    redirect is not followed. `ca_file` replaces the authorities that a receiver's certificate may come from.
    """
    started = time.monotonic()
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": _USER_AGENT,
        **signed_headers(secrets, message_id=message_id, at=at, body=body),
    }
    with Deadline(deadline_s) as deadline:
        try:
            target = check(url, allowed_private_hosts=allowed_private_hosts)
            request = requests.Request("POST", target.url, data=body.encode(), headers=headers).prepare()
            status, retry_after = _exchange(request, Transport(target, deadline), deadline, ca_file)
        except InvalidInputError as error:
            return Failed(error.message, time.monotonic() - started)
        except AntiSSRFError:
            return Failed("the host resolves to an address that webhooks may not call", time.monotonic() - started)
        except _NETWORK_ERRORS as error:
            return Failed(_sentence(error, deadline), time.monotonic() - started)
        timed_out = deadline.is_over
    duration_s = time.monotonic() - started
    if timed_out:
        return Failed(_too_late(deadline), duration_s, status)
    if 200 <= status < 300:
        return Succeeded(status, duration_s)
    return Failed(_answered(status), duration_s, status, _retry_after(retry_after, at))


def _exchange(
    request: requests.PreparedRequest, transport: Transport, deadline: Deadline, ca_file: str | None
) -> tuple[int, str | None]:
    """Return the reply's status and its Retry-After header once its body is read as far as it ever will be."""
    try:
        reply = transport.send(request, stream=True, timeout=deadline.remaining(), verify=ca_file or True, proxies={})
        try:
            left = _MAX_REPLY
            while left > 0 and (piece := reply.raw.read(min(_PIECE, left), decode_content=False)):
                left -= len(piece)
            return reply.status_code, reply.headers.get("Retry-After")
        finally:
            reply.close()
    finally:
        transport.close()


def _sentence(error: BaseException, deadline: Deadline) -> str:
    """Say what went wrong without the address, which may itself be a secret."""
    cause = _root(error)
    if deadline.is_over or isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError):
        return _too_late(deadline)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {cause.verify_message}"
    if isinstance(cause, CertificateError):
        return f"the certificate was not accepted: {cause}"
    if isinstance(cause, socket.gaierror):
        return "the host name does not resolve"
    if isinstance(cause, OSError) and cause.strerror:
        return f"the connection failed: {cause.strerror}"
    return f"the connection failed: {type(cause).__name__}"


def _root(error: BaseException) -> BaseException:
    """Return the error at the bottom: requests wraps urllib3's, which wraps the operating system's."""
    while True:
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        if not isinstance(inner, BaseException):
            inner = error.__cause__
        if inner is None:
            return error
        error = inner


def _too_late(deadline: Deadline) -> str:
    return f"no complete answer within {deadline.seconds:g} s"


def _answered(status: int) -> str:
    try:
        return f"answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"answered {status}"


def _retry_after(value: str | None, at: datetime) -> timedelta | None:
    """Return how long the receiver asks to be left alone: seconds, or a date; None if it did not say so legibly."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:10]), 10**9))
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(then.replace(tzinfo=then.tzinfo or UTC) - at, timedelta(0))
