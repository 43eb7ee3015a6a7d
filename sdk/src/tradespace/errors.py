"""The errors of this package: one root, each carrying its facts, each safe to pickle (producers are often processes).

No error holds a token or a password.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ApiError",
    "ConnectionFailed",
    "InvalidInputError",
    "RefusedError",
    "TradespaceError",
    "UnexpectedReplyError",
]


class TradespaceError(Exception):
    """Whatever went wrong in this package: catch this one to catch them all."""


class InvalidInputError(TradespaceError, ValueError):
    """What was handed in cannot be sent: nothing left this process.

    >>> print(InvalidInputError("values.accuracy", "a finite number", "nan"))
    values.accuracy: expected a finite number, got nan
    """

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(field, expected, found)
        self.field = field
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, got {self.found}"


class ApiError(TradespaceError):
    """The service answered, and the answer is no.

    `status` is the HTTP status, `message` the service's sentence, `field` the first field it names, `code` its word
    for the kind of error, `body` the whole reply, `retry_after` the seconds it asks to wait.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        field: str | None = None,
        body: Any = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.field = field
        self.body = body
        self.code = code
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"


class ConnectionFailed(TradespaceError):  # noqa: N818 - the name says the outcome, as `ConnectionRefused` would
    """Nobody answered in the time given, or the answer was lost.

    `unconfirmed` holds the result ids of which no confirmation came. Some of them may have arrived: publish them
    again under the same `result_id`, and each still counts once.
    """

    def __init__(self, message: str, attempts: int = 1, unconfirmed: tuple[str, ...] = ()) -> None:
        super().__init__(message, attempts, unconfirmed)
        self.message = message
        self.attempts = attempts
        self.unconfirmed = unconfirmed

    def __str__(self) -> str:
        return self.message


class RefusedError(TradespaceError):
    """Redis answered, and the answer is no: a wrong password, a missing permission, a key of another type.

    `unconfirmed` holds the result ids that were not taken.
    """

    def __init__(self, message: str, unconfirmed: tuple[str, ...] = ()) -> None:
        super().__init__(message, unconfirmed)
        self.message = message
        self.unconfirmed = unconfirmed

    def __str__(self) -> str:
        return self.message


class UnexpectedReplyError(TradespaceError):
    """The answer is not of the agreed form: most likely the address is not that of a Tradespace service."""
