"""The one root error of the package. Each error carries its facts; `service.api.errors` alone turns them into HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, ClassVar

__all__ = [
    "AuthenticationError",
    "ConflictError",
    "InvalidInputError",
    "NotFoundError",
    "PermissionDeniedError",
    "PreconditionError",
    "ServiceError",
    "TooManyRequestsError",
    "UnavailableError",
    "UnprocessableError",
    "did_you_mean",
]


class ServiceError(Exception):
    """What went wrong, in a sentence for the caller, with the facts beside it.

    >>> import pickle
    >>> error = pickle.loads(pickle.dumps(NotFoundError("No experiment 7", experiment="7")))
    >>> error.message, error.facts
    ('No experiment 7', {'experiment': '7'})
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.facts))


def _rebuild(kind: type[ServiceError], message: str, facts: dict[str, Any]) -> ServiceError:
    return kind(message, **facts)


class InvalidInputError(ServiceError):
    """What a caller sent cannot be taken: `field` says where, `expected` what would have been right."""

    code = "invalid_input"


class NotFoundError(ServiceError):
    """The object does not exist, or not for this caller: the two are never told apart."""

    code = "not_found"


class ConflictError(ServiceError):
    """It would contradict something already stored."""

    code = "conflict"


class AuthenticationError(ServiceError):
    """No token was given."""

    code = "not_authenticated"


class PermissionDeniedError(ServiceError):
    """A token was given, and it is unknown, has ended, or does not allow this. `token_status` says which."""

    code = "not_permitted"


class PreconditionError(ServiceError):
    """The caller made it depend on a state that is not the present one."""

    code = "changed_since"


class UnprocessableError(ServiceError):
    """It was understood and can't be done: not with what is there so far, or not like this."""

    code = "unprocessable"


class TooManyRequestsError(ServiceError):
    """More than this caller may ask for at a time; after `retry_after_s` seconds it may ask again."""

    code = "too_many_requests"


class UnavailableError(ServiceError):
    """Something this service stands on does not answer; the same request may go through later."""

    code = "unavailable"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, or a list of what is known.

    >>> did_you_mean("acuracy", ["accuracy", "cost_usd"])
    "; did you mean 'accuracy'?"
    >>> did_you_mean("zzz", ["accuracy", "cost_usd"])
    '; known: accuracy, cost_usd'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""
