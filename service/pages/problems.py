"""What a page says when it cannot be shown. A browser that has not signed in is sent to where it can."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from service.api import cookies
from service.api.errors import status_of
from service.errors import AuthenticationError, ServiceError

__all__ = ["register"]

_TITLES: Final = {
    400: "That did not work",
    401: "Who is asking?",
    403: "Not with this token",
    404: "There is nothing here for you",
    409: "That contradicts something",
    429: "Slower, please",
    503: "One moment, please",
}
_HELP: Final = {
    401: "Sign in with an API token, or open the link you were given.",
    403: "Sign in with a token that may do this, or ask somebody whose token does.",
    404: "The experiment does not exist, or the token you signed in with does not belong to its team.",
    503: "The page will be back as soon as the database answers again.",
}
#: What a token's status is called when it opens nothing any more.
_ENDED: Final = ("revoked", "expired")


def register(blueprint: Blueprint) -> None:
    """Have the blueprint answer errors with a page."""
    blueprint.register_error_handler(ServiceError, _problem)


def _problem(error: ServiceError) -> Response:
    is_unknown = isinstance(error, AuthenticationError) or error.facts.get("token_status") in _ENDED
    if is_unknown and _can_sign_in():
        return _ask()
    status = 401 if is_unknown else status_of(error)
    title = _TITLES.get(status, "That did not work")
    words = render_template("problem.html", title=title, message=error.message, help=_HELP.get(status, ""))
    response = make_response(words, status)
    if "retry_after_s" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after_s"])
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Tradespace"'
    return response


def _can_sign_in() -> bool:
    """Whether somebody looks at this in a browser, and has not come with a token that is wrong."""
    wants_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return wants_page and "Authorization" not in request.headers and "guest" not in request.args


def _ask() -> Response:
    """Send a browser to the form, and from there back to this page; what it had kept counts for nothing any more."""
    here = request.full_path if request.query_string else request.path
    response = make_response(redirect(url_for("login.form", next=here), 303))
    cookies.forget(response)
    response.headers["Cache-Control"] = "no-store"
    return response
