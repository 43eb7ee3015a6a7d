"""`tradespace client` and `tradespace token`: who gets in. Made in the database itself, so before anybody has a key."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import click
from sqlalchemy.orm import Session

from service import clients, tokens
from service.cli.shared import database, json_option, read_settings, say, show_json
from service.models import Token
from service.paging import Window

__all__ = ["COMMANDS"]

client_option: Final = click.option(
    "--client", "client_id", type=click.IntRange(1), help="The id of the client; the first one without it."
)


@click.group()
def token() -> None:
    """Make, list and end API tokens.

    Works in the database that TRADESPACE_DATABASE_URL names, on a machine that may reach it; no server is needed.
    """


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--permission", default="write", show_default=True, type=click.Choice(tuple(tokens.PERMISSIONS)))
@click.option("--scope", "scopes", multiple=True, type=click.Choice(tokens.SCOPES), help="One by one, instead.")
@client_option
@click.option("--project", help="The id of the one project that it is for.")
@click.option("--days", type=click.IntRange(1, 3650), help="After so many days it opens nothing; never without it.")
@click.option("--development", is_flag=True, help="For trying programs out: suggestions are random.")
@json_option
def token_create(
    *,
    name: str,
    permission: str,
    scopes: tuple[str, ...],
    client_id: int | None,
    project: str | None,
    days: int | None,
    development: bool,
    as_json: bool,
) -> None:
    """Make a token and print it, this once.

    \b
    tradespace token create --name ci --permission write
    tradespace token create --name dashboards --permission read --client 3 --json
    tradespace token create --name producer --scope report --project cats --days 90
    """
    settings = read_settings()
    with database(settings) as opened, opened.write() as session:
        now = opened.now(session)
        tokens.bootstrap(session, preset=settings.admin_token, now=now)
        owner = _owner(session, client_id, now)
        asked = {
            "name": name,
            **({"scopes": list(scopes)} if scopes else {"permissions": permission}),
            "project": project,
            "token_type": "client-dev" if development else "client-api",
            "expires": None if days is None else int(now.timestamp()) + days * 86_400,
        }
        row, secret = tokens.create(session, asked, client_id=owner, by=_operator(owner), now=now)
    if as_json:
        show_json({**_shown(row), "token": secret, "permission": tokens.permission_of(frozenset(row.scopes))})
    else:
        say(secret)


def _owner(session: Session, client_id: int | None, now: datetime) -> int:
    """Return whose tokens are meant: the first client's where none is named."""
    return tokens.first_client(session, now=now).id if client_id is None else clients.find(session, client_id).id


def _operator(client_id: int) -> tokens.Caller:
    """Whoever reaches the database runs the service."""
    return tokens.Caller(client_id, frozenset(tokens.SCOPES))


def _shown(row: Token) -> dict[str, Any]:
    ends = None if row.expires_at is None else row.expires_at.isoformat(timespec="seconds")
    facts = {"client": str(row.client_id), "type": row.type, "scopes": row.scopes, "expires": ends}
    return {"id": str(row.id), "name": row.name, "prefix": row.prefix, **facts}


@token.command("list")
@client_option
@json_option
def token_list(client_id: int | None, as_json: bool) -> None:
    """List a client's tokens, newest first: ids, first characters, names, what they may do, when they end."""
    with database(read_settings()) as opened, opened.write() as session:
        owner = _owner(session, client_id, opened.now(session))
        page, _ = tokens.listed(session, Window(limit=1000), client_id=owner, kinds=tokens.KINDS, project_id=None)
    rows = [_shown(row) for row in page.rows]
    if as_json:
        show_json(rows)
        return
    for row in rows:
        say(
            f"{row['id']}  {row['prefix']}…  {row['name']}  {','.join(row['scopes'])}  {row['expires'] or 'never ends'}"
        )


@token.command("end")
@click.argument("named", metavar="TOKEN")
@client_option
def token_end(named: str, client_id: int | None) -> None:
    """End TOKEN, which may be given by its id, its first characters or as a whole: it opens nothing from now on."""
    with database(read_settings()) as opened, opened.write() as session:
        now = opened.now(session)
        by = _operator(_owner(session, client_id, now))
        row, _ = tokens.find(session, named, by=by)
        tokens.end(session, row, by=by, now=now)
    say(f"Token {row.id} ({row.name}) is ended.")


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
