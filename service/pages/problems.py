"""What a page says when it cannot be shown. A browser that has no token is asked for one by the 401."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, render_template

from service.api.errors import status_of
from service.errors import AuthenticationError, PermissionDeniedError, ServiceError

__all__ = ["register"]

_TITLES: Final = {
    400: "That did not work",
    401: "Who is asking?",
    404: "There is nothing here for you",
    409: "That contradicts something",
    503: "One moment, please",
}
_HELP: Final = {
    401: "Sign in with an API token as the user name and leave the password empty, or open the link you were given.",
    404: "The experiment does not exist, or the token you signed in with does not belong to its team.",
    503: "The page will be back as soon as the database answers again.",
}


def register(blueprint: Blueprint) -> None:
    """Have the blueprint answer errors with a page."""
    blueprint.register_error_handler(ServiceError, _problem)


def _problem(error: ServiceError) -> Response:
    status = 401 if isinstance(error, AuthenticationError | PermissionDeniedError) else status_of(error)
    title = _TITLES.get(status, "That did not work")
    words = render_template("problem.html", title=title, message=error.message, help=_HELP.get(status, ""))
    response = make_response(words, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Tradespace"'
    return response
