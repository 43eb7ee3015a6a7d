"""Speak HTTP with the service: authenticate, try again where that is safe, turn answers into values or errors."""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import httpx

from tradespace._budget import Budget, checked_timeout
from tradespace._calls import Call
from tradespace.errors import ApiError, ConnectionFailed, InvalidInputError, UnexpectedReplyError
from tradespace.result import as_json

__all__ = ["AsyncTransport", "Transport"]

T = TypeVar("T")

#: The longest wait for one answer, in seconds: longer than the longest a service may be set to hold a suggestion back.
ATTEMPT_S: Final = 35.0
#: The longest wait for a connection, in seconds.
CONNECT_S: Final = 5.0
#: The longest request, in bytes; the service takes no longer one.
MAX_REQUEST: Final = 1024 * 1024
#: Answers after which a request that may be repeated is repeated.
PASSING: Final = frozenset({429, 500, 502, 503, 504})
#: Answers that say that nothing was done, so that any request may be repeated.
UNDONE: Final = frozenset({429, 503})
#: Failures before the request left this machine.
UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class _Attempt:
    """A request to send now."""

    method: str
    url: str
    content: bytes | None
    headers: dict[str, str]
    timeout: httpx.Timeout


#: What a conversation asks for: that a request be sent, or that as many seconds pass.
_Step = _Attempt | float
_Answer = httpx.Response | httpx.RequestError | None


class _Line:
    """What both transports know: where the service is, and when a request is sent again. It never waits itself."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self.url = _checked_url(url)
        self._token = _checked_token(token)
        self._timeout = checked_timeout(timeout)

    @property
    def headers(self) -> dict[str, str]:
        """What every request says."""
        return {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "User-Agent": "tradespace-python",
        }

    def conversation(self, call: Call[T]) -> Generator[_Step, _Answer, T]:
        """Yield what is to be done next, be sent what came of it, and return what the call is about."""
        content = None if call.body is None else as_json(call.body, limit=MAX_REQUEST)
        headers = {"Content-Type": "application/json"} if content is not None else {}
        headers |= {} if call.key is None else {"Idempotency-Key": call.key}
        budget = Budget(self._timeout)
        while True:
            # Never nothing: the last attempt begins when there was still time for it.
            left = max(0.001, min(ATTEMPT_S, budget.remaining_s))
            timeout = httpx.Timeout(left, connect=min(left, CONNECT_S))
            answer = yield _Attempt(call.method, f"{self.url}/v1{call.path}", content, headers, timeout)
            if isinstance(answer, httpx.Response) and answer.is_success:
                return call.read(_parsed(answer), self.url)
            again, wait = _what_next(answer, repeatable=call.repeatable)
            pause = budget.next_pause(at_least_s=wait) if again else None
            if pause is None:
                raise self._error(answer, budget) from (answer if isinstance(answer, Exception) else None)
            yield pause

    def _error(self, answer: _Answer, budget: Budget) -> ApiError | ConnectionFailed:
        if isinstance(answer, httpx.Response):
            return _api_error(answer, self._token)
        tried = f"{budget.attempts} attempt(s) in {budget.elapsed_s:.1f} s"
        reason = str(answer) or type(answer).__name__
        return ConnectionFailed(f"no answer from {self.url} after {tried}: {reason}", budget.attempts)


def _what_next(answer: _Answer, *, repeatable: bool) -> tuple[bool, float]:
    """Return whether the request may be sent again, and the least time to wait before."""
    if isinstance(answer, httpx.Response):
        return answer.status_code in (PASSING if repeatable else UNDONE), _retry_after(answer) or 0.0
    return repeatable or isinstance(answer, UNSENT), 0.0


class Transport(_Line):
    """The connection to one service. It never shows its token: not in `repr`, not in an error."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        super().__init__(url, token, timeout)
        self._http = httpx.Client(headers=self.headers)

    def run(self, call: Call[T]) -> T:
        """Send a call, again and again if need be, and return what comes of it."""
        talk = self.conversation(call)
        answer: _Answer = None
        try:
            while True:
                answer = self._do(talk.send(answer))
        except StopIteration as end:
            return cast("T", end.value)

    def _do(self, step: _Step) -> _Answer:
        if isinstance(step, float):
            time.sleep(step)
            return None
        try:
            return self._http.request(
                step.method, step.url, content=step.content, headers=step.headers, timeout=step.timeout
            )
        except httpx.RequestError as error:
            return error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class AsyncTransport(_Line):
    """The same for asyncio."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        super().__init__(url, token, timeout)
        self._http = httpx.AsyncClient(headers=self.headers)

    async def run(self, call: Call[T]) -> T:
        """Send a call, again and again if need be, and return what comes of it."""
        talk = self.conversation(call)
        answer: _Answer = None
        try:
            while True:
                answer = await self._do(talk.send(answer))
        except StopIteration as end:
            return cast("T", end.value)

    async def _do(self, step: _Step) -> _Answer:
        if isinstance(step, float):
            await asyncio.sleep(step)
            return None
        try:
            return await self._http.request(
                step.method, step.url, content=step.content, headers=step.headers, timeout=step.timeout
            )
        except httpx.RequestError as error:
            return error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _checked_url(url: Any) -> str:
    """Return the address without its last slash."""
    expected = "http://HOST[:PORT][/PREFIX] or https://…, without user name and password"
    if not isinstance(url, str):
        raise InvalidInputError("url", expected, type(url).__name__)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        # What was given is not repeated here: it may hold a password.
        raise InvalidInputError("url", expected, "something else")
    return url.rstrip("/")


def _checked_token(token: Any) -> str:
    usable = isinstance(token, str) and token and token.isascii() and token.isprintable() and " " not in token
    if not usable:
        raise InvalidInputError("token", "a token of the service", "something else")
    return str(token)


def _parsed(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        kind = answer.headers.get("Content-Type", "no type")
        raise UnexpectedReplyError(f"{answer.url}: expected JSON, got {kind}; is this a Tradespace service?") from error


def _api_error(answer: httpx.Response, token: str) -> ApiError:
    """Return the error that the service states in its body, or the most that can be said without one."""
    text = answer.text.replace(token, "[token]")
    try:
        body = json.loads(text)
    except ValueError:
        body = text[:2000]
    stated = body if isinstance(body, dict) else {}
    fields = [one.get("field") for one in _objects(stated.get("errors"))]
    code = stated.get("code")
    return ApiError(
        answer.status_code,
        str(stated.get("message") or _unstated(answer)),
        field=str(fields[0]) if fields and fields[0] is not None else None,
        body=body,
        code=code if isinstance(code, str) else None,
        retry_after=_retry_after(answer),
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _unstated(answer: httpx.Response) -> str:
    if answer.is_redirect:
        return f"the service is elsewhere: {answer.headers.get('Location')}"
    return answer.reason_phrase or "no reason given"


def _retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds that the service asks to wait: it says a number or a date (RFC 9110, 10.2.3)."""
    stated = answer.headers.get("Retry-After", "")
    if stated.isdigit():
        return float(stated)
    try:
        then = email.utils.parsedate_to_datetime(stated)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
