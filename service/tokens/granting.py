"""Tokens are asked for: what a new one may do, to what, and until when.

Nobody hands out what they do not have: a token that someone makes may do no more than their own, and to no more. Only
those who run the service (operator) may give anything to anyone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from service.errors import InvalidInputError, NotFoundError, PermissionDeniedError, did_you_mean
from service.models import Experiment, Project, Token, TrainingRun
from service.schemas import fields
from service.tokens.callers import PERMISSIONS, SCOPES, Caller
from service.tokens.issuing import GUEST_LASTS, issue

__all__ = ["KINDS", "NewToken", "create", "refuse_more", "share"]

#: Kinds of tokens: for production, for trying things out, and for people who only look.
KINDS: Final = ("client-api", "client-dev", "guest")
_LONGEST_LEASE_S: Final = 10 * 366 * 86_400
#: Beyond this there are no dates.
_LATEST: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())

_Seconds = Annotated[int, Field(ge=1, le=_LONGEST_LEASE_S)]


class NewToken(fields.Strict):
    """The body of a create. `scopes` says one by one what `permissions` says in a word."""

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    permissions: Literal["read", "write", "admin", "operator"] | None = None
    scopes: list[str] | None = None
    token_type: Literal["client-api", "client-dev", "guest"] | None = None
    project: str | None = None
    experiment: Any = None
    training_run: Any = None
    expires: Annotated[int, Field(le=_LATEST)] | None = None
    lease_length: _Seconds | None = None


def create(
    session: Session, body: Mapping[str, Any], *, client_id: int, by: Caller, now: datetime
) -> tuple[Token, str]:
    """Make a token of a client and return it with its secret.

    An empty body makes what it made at SigOpt: a token that can ask who it is, and nothing else.
    """
    given = fields.parse_model(NewToken, body)
    kind = given.token_type or ("client-api" if given.model_fields_set else "guest")
    experiment_id = _of_client(session, Experiment, given.experiment, "experiment", client_id)
    run_id = _of_client(session, TrainingRun, given.training_run, "training_run", client_id)
    scopes = _scopes(given, kind)
    if kind == "guest" and scopes and experiment_id is None and run_id is None:
        message = "a guest's token opens one experiment or training run: name it"
        raise InvalidInputError(message, field=".experiment", expected="the id of an experiment")
    project_id = _project(session, given.project, client_id)
    refuse_more(by, scopes, client_id=client_id, project_id=project_id)
    return issue(
        session,
        client_id=client_id,
        name=given.name or kind,
        scopes=scopes,
        token_type=kind,
        project_id=project_id,
        experiment_id=experiment_id,
        training_run_id=run_id,
        now=now,
        **_end(given, kind, now),
    )


def _scopes(given: NewToken, kind: str) -> tuple[str, ...]:
    """Return what the token may do, in one of the two ways of saying it."""
    if given.permissions is not None and given.scopes is not None:
        message = "permissions and scopes say the same thing in two ways: expected one of them"
        raise InvalidInputError(message, field=".scopes", expected="permissions or scopes")
    if given.permissions == "admin" and kind == "client-dev":  # as SigOpt's: of what an admin sees to, it opens nothing
        return PERMISSIONS["write"]
    asked = PERMISSIONS[given.permissions] if given.permissions else tuple(given.scopes or ())
    for index, scope in enumerate(asked):
        if scope not in SCOPES:
            message = f"{fields.shorten(scope)} is not one of the allowed values: {', '.join(SCOPES)}"
            hint = did_you_mean(scope, SCOPES)
            raise InvalidInputError(f"{message}{hint}", field=f".scopes[{index}]", expected=", ".join(SCOPES))
    return _fitting(asked, given, kind)


def _fitting(asked: tuple[str, ...], given: NewToken, kind: str) -> tuple[str, ...]:
    if kind == "guest":
        if asked not in ((), PERMISSIONS["read"]):
            raise InvalidInputError("a guest's token only reads", field=".permissions", expected="read")
        return PERMISSIONS["read"] if given.model_fields_set else ()
    if not asked:
        message = f'Missing required json key "permissions" in: {fields.shorten(given.model_dump(exclude_unset=True))}'
        raise InvalidInputError(message, field=".permissions", expected=f"one of {', '.join(PERMISSIONS)}, or scopes")
    is_narrow = kind == "client-dev" or given.experiment is not None or given.training_run is not None
    if is_narrow and not set(asked) <= set(PERMISSIONS["write"]):
        message = "a development token, or one for a single experiment, sees to no tokens: at most write"
        raise InvalidInputError(message, field=".permissions", expected="read or write")
    if given.project is not None and "operator" in asked:
        raise InvalidInputError("who runs the service is not bound to a project", field=".project", expected="null")
    return asked


def _end(given: NewToken, kind: str, now: datetime) -> dict[str, Any]:
    """Return when it ends: at a moment, a while after each renewal, or never; links of guests after thirty days."""
    if given.expires is not None and given.lease_length is not None:
        message = "expires is a moment, lease_length a time from now on: expected one of them"
        raise InvalidInputError(message, field=".lease_length", expected="expires or lease_length")
    if given.lease_length is not None:
        return {"lease": timedelta(seconds=given.lease_length)}
    if given.expires is None:
        return {"lease": GUEST_LASTS if kind == "guest" else None}
    if given.expires <= now.timestamp():
        message = f".expires must be greater than {int(now.timestamp())} (now), got {given.expires}"
        raise InvalidInputError(message, field=".expires", expected="a moment to come, in seconds since 1970")
    return {"expires_at": datetime.fromtimestamp(given.expires, UTC)}


def _of_client(session: Session, table: Any, given: Any, what: str, client_id: int) -> int | None:
    if given is None:
        return None
    key = fields.parse_id(given, f".{what}")
    row = session.get(table, key)
    if row is None or row.client_id != client_id:
        raise NotFoundError(f"No {what} {key}", field=f".{what}")
    return key


def _project(session: Session, reference: str | None, client_id: int) -> int | None:
    if reference is None:
        return None
    wanted = sa.select(Project.id).where(Project.client_id == client_id, Project.reference == reference)
    key = session.scalars(wanted).one_or_none()
    if key is None:
        raise NotFoundError(f"No project {reference[:40]}", field=".project")
    return key


def refuse_more(by: Caller, scopes: Sequence[str], *, client_id: int, project_id: int | None) -> None:
    """Refuse to give what `by` does not have."""
    if by.may("operator"):
        return
    missing = [scope for scope in scopes if not by.may(scope)]
    if missing or client_id != by.client_id or by.project_id not in (None, project_id) or by.is_guest:
        what = f"the scope {missing[0]}" if missing else "more than its own project"
        message = f"You don't have permission to do this action. A token that lacks {what} cannot give it."
        raise PermissionDeniedError(message, token_status="invalid_permissions")  # noqa: S106 a status, not a secret


def share(
    session: Session,
    *,
    client_id: int,
    now: datetime,
    experiment_id: int | None = None,
    training_run_id: int | None = None,
    name: str = "guest",
) -> tuple[Token, str]:
    """Make a token that only reads one experiment or run: for a link that can be shared."""
    return issue(
        session,
        client_id=client_id,
        experiment_id=experiment_id,
        training_run_id=training_run_id,
        name=name,
        permission="read",
        token_type="guest",  # noqa: S106 a kind, not a secret
        now=now,
        lease=GUEST_LASTS,
    )
