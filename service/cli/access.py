"""`tradespace token`: keys to the API, made in the database itself, so that it works before anybody has one."""

from __future__ import annotations

from typing import Final

import click

from service import tokens
from service.cli.shared import database, json_option, read_settings, say, show_json

__all__ = ["COMMANDS"]


@click.group()
def token() -> None:
    """Make and end API tokens."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--permission", default="write", show_default=True, type=click.Choice(tuple(tokens.PERMISSIONS)))
@json_option
def token_create(name: str, permission: str, as_json: bool) -> None:
    """Make a token and print it, this once."""
    settings = read_settings()
    with database(settings) as opened, opened.write() as session:
        now = opened.now(session)
        tokens.bootstrap(session, preset=settings.admin_token, now=now)
        secret = tokens.issue_for_default(session, name=name, permission=permission, now=now)
    if as_json:
        show_json({"token": secret, "name": name, "permission": permission})
    else:
        say(secret)


COMMANDS: Final = (token,)
