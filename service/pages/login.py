"""Signing in and out: a token is typed once, then a cookie stands for it. Who has not signed in is sent here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from service.api import cookies, limits
from service.api.auth import identify
from service.api.cookies import CSRF_FIELD, Visit
from service.api.door import Door
from service.errors import AuthenticationError, PermissionDeniedError
from service.models import Client, Token
from service.pages import problems
from service.tokens import Caller

__all__ = ["blueprint", "signed_in_as"]

_START: Final = "/"

blueprint = Blueprint("login", __name__, template_folder=str(Path(__file__).parent / "templates"))
problems.register(blueprint)


@blueprint.get("/login")
def form() -> Response:
    """Show the form; `next` is where to go from there."""
    return _form()


def _form(message: str = "", status: int = 200) -> Response:
    kept = cookies.visit() or Visit.of(None)
    words = render_template(
        "login.html",
        message=message,
        next=_local(request.values.get("next")),
        csrf=cookies.csrf_token(kept),
        csrf_field=CSRF_FIELD,
    )
    response = make_response(words, status)
    cookies.keep(response, kept)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/login")
def log_in() -> Response:
    """Sign in with a token. The visit begins anew, so that nobody can have prepared it."""
    cookies.check_form()
    secret = request.form.get("token", "").strip()
    try:
        with limits.count_login():
            identify(secret)
    except AuthenticationError:
        return _form("A token is needed to sign in.", 400)
    except PermissionDeniedError as error:
        is_late = error.facts.get("token_status") == "expired"
        return _form("This token has expired." if is_late else "This token is not known here.", 403)
    response = _to(_local(request.form.get("next")))
    cookies.keep(response, Visit.of(secret))
    return response


@blueprint.post("/logout")
def log_out() -> Response:
    """Sign out; the token stays what it is."""
    cookies.check_form()
    response = _to(url_for("login.form"))
    cookies.forget(response)
    return response


def _to(address: str) -> Response:
    response = make_response(redirect(address, 303))
    response.headers["Cache-Control"] = "no-store"
    return response


def _local(address: str | None) -> str:
    """Return an address of this site; anything else would let a stranger's link lead away from here.

    >>> _local("/experiments/7/report"), _local("//elsewhere.example"), _local("https://elsewhere.example")
    ('/experiments/7/report', '/', '/')
    """
    if not address or not address.startswith("/") or not address.isprintable() or "\\" in address:
        return _START
    parts = urlsplit(address)
    is_local = not parts.scheme and not parts.netloc and not address.startswith("//")
    return address if is_local else _START


def signed_in_as(door: Door, who: Caller) -> str:
    """Return whose token this is, in words: its team and its name. Guests are nobody in particular."""
    if who.is_guest:
        return ""
    names = sa.select(Client.name, Token.name).join(Token, Token.client_id == Client.id).where(Token.id == who.token_id)
    found = door.session.execute(names).one_or_none()
    return "" if found is None else f"{found[0]} · {found[1]}"


@blueprint.app_context_processor
def _visitor() -> dict[str, Any]:
    """Give every page the form to sign out with, where somebody has signed in."""
    kept = cookies.visit() if request.endpoint != "login.form" else None
    shown = None if kept is None or kept.secret is None else cookies.csrf_token(kept)
    return {"sign_out": shown, "csrf_field": CSRF_FIELD}
