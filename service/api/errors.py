"""The one place where errors become HTTP: every refusal has a status, a message and the field it is about."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from flask import Flask, Response, g, request
from sqlalchemy.exc import DataError, DBAPIError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from service.api.problems import BY_STATUS, problem
from service.errors import (
    AuthenticationError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    ServiceError,
    TooManyRequestsError,
    UnavailableError,
    UnprocessableError,
)

__all__ = ["STATUS", "register", "status_of"]

log = logging.getLogger(__name__)

STATUS: Final[Mapping[type[ServiceError], int]] = {
    InvalidInputError: 400,
    AuthenticationError: 401,
    PermissionDeniedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    PreconditionError: 412,
    UnprocessableError: 422,
    TooManyRequestsError: 429,
    UnavailableError: 503,
}
#: A page to look at; no endpoint of the API, as SigOpt's clients know it.
_HOME: Final = "/"


def status_of(error: ServiceError) -> int:
    """Return the HTTP status of an error.

    >>> status_of(NotFoundError("No experiment 7"))
    404
    """
    return STATUS.get(type(error), 500)


def register(app: Flask) -> None:
    """Have the app answer errors in the shapes of the API."""
    app.register_error_handler(ServiceError, _service_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(Exception, _unexpected)


def _service_error(error: ServiceError) -> Response:
    status = status_of(error)
    extra = {name: error.facts[name] for name in ("token_status",) if name in error.facts}
    response = problem(status, error.message, error.code, facts=error.facts, **extra)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Tradespace"'
    if status in (429, 503):
        response.headers["Retry-After"] = str(error.facts.get("retry_after_s", 2))
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    message = error.description or error.name
    if isinstance(error, MethodNotAllowed) and request.path == _HOME:
        error, status = NotFound(), 404
    if isinstance(error, NotFound):
        message = f"Endpoint not found: {request.path}"
    elif isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        message = f"This endpoint accepts only the following methods: {allowed}"
    response = problem(status, message, BY_STATUS.get(status, "http_error"), facts={})
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Location"):
            response.headers[name] = value
    return response


def _database_error(error: DBAPIError) -> Response:
    if isinstance(error, DataError):  # the schemas let something through that the database cannot keep: the caller's
        log.warning("the database refused a value: %s", error.orig)
        return _service_error(InvalidInputError("a value cannot be stored: expected plain text and finite numbers"))
    log.error("the database does not answer: %s", error.orig)
    return _service_error(UnavailableError("The database does not answer at the moment. Try again in a moment."))


def _unexpected(error: Exception) -> Response:
    named = getattr(g, "request_id", "none")
    log.error("unexpected error on %s %s (request %s)", request.method, request.path, named, exc_info=error)
    return problem(500, "An unexpected server error has occurred.", "unexpected", facts={})
