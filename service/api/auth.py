"""Who is asking: a token by HTTP Basic (as user name) or Bearer; for pages also a cookie, or a guest's in the address.

Every view says by `requires` which scope it needs; tests/service/api/test_scope_matrix.py holds each route to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from flask import g, request

from service.api import cookies
from service.api.body import refuse_unreadable
from service.api.door import first_look, let_go, services
from service.api.idempotency import once
from service.api.limits import count_request
from service.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from service.models import Experiment
from service.tokens import Caller, visit

__all__ = [
    "ANYBODY",
    "Guard",
    "caller",
    "check_reach",
    "guard_of",
    "identify",
    "is_for_development",
    "own_client",
    "own_secret",
    "requires",
    "seen_version",
]

P = ParamSpec("P")
R = TypeVar("R")

#: A scope that every valid token has: to ask who one is.
ANYBODY: Final = ""
#: Methods of requests without a body.
_LOOKING: Final = ("GET", "HEAD", "OPTIONS")
#: What development tokens are for: experiments, whose suggestions are then random, and looking around.
_FOR_DEVELOPMENT: Final = ("/v1/experiments", "/v1/clients/<client_id>/experiments")
#: What the token for a single training run opens.
_OF_ONE_RUN: Final = ("/v1/training_runs/<", "/v1/files/<")


@dataclass(frozen=True)
class Guard:
    """What a view asks of a token. `development` of None: whatever its path says."""

    scope: str
    development: bool | None
    page: bool
    for_project: bool


class _Guarded(Protocol):
    guard: Guard


def requires(
    scope: str, *, development: bool | None = None, page: bool = False, for_project: bool = True
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view run only for a token that may do this; `caller()` then says whose it is.

    `page` marks a page: it takes a guest's token in its address, and the cookie of who has signed in. What is of
    a client as a whole is not for tokens of one of its projects: `for_project=False`.
    """
    guard = Guard(scope, development, page, for_project)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            secret = _secret(page=guard.page)
            if not secret and not guard.page:
                refuse_unreadable()
            found = identify(secret)
            count_request(found)
            _check(found, guard)
            g.caller = found
            if request.method not in _LOOKING:
                let_go()  # the body may take its time, and what is remembered of a key is looked up by itself
            return once(lambda: view(*args, **kwargs), found, services().database)

        cast("_Guarded", guarded).guard = guard
        return guarded

    return decorate


def guard_of(view: Callable[..., Any]) -> Guard | None:
    """Return what a view asks of a token; None if it asks nothing."""
    return getattr(view, "guard", None)


def identify(secret: str) -> Caller:
    """Return who a token belongs to, or raise. The version of the path's experiment is noted (`seen_version`)."""
    database, session = services().database, first_look()
    found = visit(session, secret, experiment_id=_experiment_of_path(), now=lambda: database.now(session))
    g.version = found.version
    return found.caller


def _experiment_of_path() -> int | None:
    named = (request.view_args or {}).get("experiment_id", "")
    return int(named) if named.isascii() and named.isdigit() and len(named) < 19 else None


def seen_version() -> int | None:
    """Return the version that the path's experiment had when this request began; None where there is none."""
    found: int | None = g.version
    return found


def _check(found: Caller, guard: Guard) -> None:
    rule = "" if request.url_rule is None else request.url_rule.rule
    if found.development and not is_for_development(rule, guard):
        raise PermissionDeniedError("Development tokens cannot access this endpoint.")
    if guard.scope != ANYBODY and not found.may(guard.scope):
        message = f"You don't have permission to do this action. It needs a token with scope {guard.scope}."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret
    if found.training_run_id is not None and guard.scope != ANYBODY and not rule.startswith(_OF_ONE_RUN):
        message = "You don't have permission to do this action. This token is for one training run only."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret
    if found.project_id is not None and not guard.for_project:
        message = "You don't have permission to do this action. This token is for one project only."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret


def is_for_development(rule: str, guard: Guard) -> bool:
    """Whether development tokens may call a route."""
    if guard.page or guard.development is not None:
        return guard.page or bool(guard.development)
    return rule.startswith(_FOR_DEVELOPMENT) or rule.endswith("/projects/<project_id>/experiments")


def caller() -> Caller:
    """Return who is asking, inside a view that `requires` guards."""
    found: Caller = g.caller
    return found


def own_client(client_id: str, *, operated: bool = False) -> int:
    """Return the client of the path, which has to be the caller's: others do not exist for it.

    `operated`: those who run the service may name any client. Guests are no members of the client.
    """
    who = caller()
    if who.is_guest:
        message = "You don't have permission to do this action. A guest's token opens what was shared, nothing else."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret
    if operated and who.may("operator") and client_id.isascii() and client_id.isdigit() and len(client_id) < 19:
        return int(client_id)
    if client_id != str(who.client_id):
        raise NotFoundError(f"No client {client_id}", client=client_id)
    return who.client_id


def check_reach(row: Experiment) -> None:
    """Refuse an experiment that this caller's token does not reach; one of the other kind of token says so."""
    who = caller()
    if not who.reaches(row.client_id, experiment_id=row.id, project_id=row.project_id):
        raise NotFoundError(f"No experiment {row.id}", experiment=str(row.id))
    if row.development != who.development:
        kind, token = _kind(row.development), _kind(who.development)
        message = (
            f"Attempting to access {kind} experiment {row.id} with {token} token. "
            f"Please reauthenticate with the client's {kind} token."
        )
        raise PermissionDeniedError(message)


def _kind(development: bool) -> str:
    return "development" if development else "production"


def own_secret() -> str:
    """Return the token that this request came with: its sender knows it."""
    return _secret(page=False)


def _secret(*, page: bool) -> str:
    if page and request.args.get("guest"):
        return request.args["guest"]
    given = request.authorization
    if given is None and page and "Authorization" not in request.headers:
        kept = cookies.visit()
        return "" if kept is None or kept.secret is None else kept.secret
    if "Authorization" not in request.headers:
        return ""
    secret = None if given is None else {"basic": given.username, "bearer": given.token}.get(given.type)
    if secret and "\x00" not in secret:
        return secret
    message = "Could not parse API token: expected HTTP Basic with the token as user name, or Bearer with the token"
    raise InvalidInputError(message, field="Authorization")
