"""`tradespace client` and `tradespace token`: who gets in. Made in the database itself, so before anybody has a key."""

from __future__ import annotations

from typing import Final

import click

from service import clients, tokens
from service.cli.shared import database, json_option, read_settings, say, show_json
from service.paging import Window

__all__ = ["COMMANDS"]


@click.group()
def token() -> None:
    """Make API tokens.

    Works in the database that TRADESPACE_DATABASE_URL names, on a machine that may reach it; no server is needed.
    """


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--permission", default="write", show_default=True, type=click.Choice(tuple(tokens.PERMISSIONS)))
@click.option("--client", "client_id", type=click.IntRange(1), help="Whose it is; the first client's without it.")
@json_option
def token_create(name: str, permission: str, client_id: int | None, as_json: bool) -> None:
    """Make a token and print it, this once.

    \b
    tradespace token create --name ci --permission write
    tradespace token create --name dashboards --permission read --client 3 --json
    """
    settings = read_settings()
    with database(settings) as opened, opened.write() as session:
        now = opened.now(session)
        tokens.bootstrap(session, preset=settings.admin_token, now=now)
        if client_id is None:
            secret = tokens.issue_for_default(session, name=name, permission=permission, now=now)
        else:
            owner = clients.find(session, client_id)
            secret = tokens.issue(session, client_id=owner.id, name=name, permission=permission, now=now)[1]
    if as_json:
        show_json({"token": secret, "name": name, "permission": permission})
    else:
        say(secret)


@click.group()
def client() -> None:
    """Make and list clients: the teams whose experiments and tokens are apart.

    Works in the database that TRADESPACE_DATABASE_URL names, on a machine that may reach it; no server is needed.
    """


@client.command("create")
@click.argument("name")
@json_option
def client_create(name: str, as_json: bool) -> None:
    """Make a client called NAME. Its first token: tradespace token create --client ID --name …"""
    with database(read_settings()) as opened, opened.write() as session:
        row = clients.create(session, {"name": name}, now=opened.now(session))
    if as_json:
        show_json({"id": str(row.id), "name": row.name})
    else:
        say(f"Client {row.id} is made. Its first token: tradespace token create --client {row.id} --name admin")


@client.command("list")
@json_option
def client_list(as_json: bool) -> None:
    """List the clients, newest first."""
    with database(read_settings()) as opened, opened.read() as session:
        rows = clients.listed(session, Window(limit=1000))[0].rows
    if as_json:
        show_json([{"id": str(row.id), "name": row.name} for row in rows])
    else:
        for row in rows:
            say(f"{row.id}  {row.name}")


COMMANDS: Final = (client, token)
