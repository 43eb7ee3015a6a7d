"""Who is asking: a token by HTTP Basic (as user name) or Bearer; for pages also a guest's token in the address."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import g, request

from service.api.door import read
from service.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from service.tokens import Caller, authenticate

__all__ = ["caller", "own_client", "requires"]

P = ParamSpec("P")
R = TypeVar("R")


def requires(scope: str, *, guest_query: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for a token that may do this; `g.caller` then says whose it is."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            secret = _secret(guest_query=guest_query)
            with read() as door:
                found = authenticate(door.session, secret, now=door.now)
            if not found.may(scope):
                message = f"You don't have permission to do this action. It needs a token with scope {scope}."
                raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106
            g.caller = found
            return view(*args, **kwargs)

        return guarded

    return decorate


def caller() -> Caller:
    """Return who is asking, inside a view that `requires` guards."""
    found: Caller = g.caller
    return found


def own_client(client_id: str) -> int:
    """Return the client of the path, which has to be the caller's: others do not exist for it."""
    key = caller().client_id
    if client_id != str(key):
        raise NotFoundError(f"No client {client_id}", client=client_id)
    return key


def _secret(*, guest_query: bool) -> str:
    if guest_query and request.args.get("guest"):
        return request.args["guest"]
    given = request.authorization
    if given is None:
        if request.headers.get("Authorization"):
            message = "Could not parse API token: expected HTTP Basic with the token as user name, or Bearer"
            raise InvalidInputError(message, field="Authorization")
        return ""
    if given.type == "basic":
        return given.username or ""
    if given.type == "bearer":
        return given.token or ""
    message = f"Could not parse API token: expected Basic or Bearer, got {given.type}"
    raise InvalidInputError(message, field="Authorization")
