"""Tokens are shown once, kept as digests, and refused with the reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from service import tokens
from service.db import Database
from service.errors import AuthenticationError, PermissionDeniedError
from service.models import Client, Token
from tests.support import new_client

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_token_opens_until_it_is_revoked_or_expires(database: Database) -> None:
    with database.write() as session:
        client_id = new_client(session, now=NOW)[0]
        token, secret = tokens.issue(
            session, client_id=client_id, name="t", permission="write", now=NOW, expires_at=NOW + timedelta(days=1)
        )
    with database.write() as session:
        who = tokens.authenticate(session, secret, now=NOW)
        assert (who.client_id, who.may("read"), who.may("write"), who.may("admin")) == (client_id, True, True, False)
        with pytest.raises(PermissionDeniedError, match="expired"):
            tokens.authenticate(session, secret, now=NOW + timedelta(days=1))
        session.get_one(Token, token.id).revoked_at = NOW
        with pytest.raises(PermissionDeniedError, match="not known"):
            tokens.authenticate(session, secret, now=NOW)


def test_no_table_holds_the_secret(database: Database) -> None:
    with database.write() as session:
        secret = new_client(session, now=NOW)[1]
        row = session.scalars(sa.select(Token)).one()
    assert secret not in (row.digest, row.prefix, row.name)
    assert secret.startswith(row.prefix)
    assert len(row.prefix) <= 8


def test_a_mistyped_token_is_refused_without_asking_the_database(database: Database) -> None:
    secret = tokens.new_secret()
    mistyped = secret[:10] + ("a" if secret[10] != "a" else "b") + secret[11:]
    database.close()
    with database.read() as session:
        statements: list[str] = []
        sa.event.listen(session.get_bind(), "before_cursor_execute", lambda *args: statements.append(args[2]))
        with pytest.raises(PermissionDeniedError):
            tokens.authenticate(session, mistyped, now=NOW)
    assert statements == []


def test_without_a_token_one_is_asked_for(database: Database) -> None:
    with database.read() as session, pytest.raises(AuthenticationError, match="requires an API token"):
        tokens.authenticate(session, "", now=NOW)


def test_the_first_start_makes_one_admin_token_and_later_ones_none(database: Database) -> None:
    with database.write() as session:
        secret = tokens.bootstrap(session, preset=None, now=NOW)
        assert secret is not None
        assert tokens.authenticate(session, secret, now=NOW).may("operator")
    with database.write() as session:
        assert tokens.bootstrap(session, preset=None, now=NOW) is None
        assert len(session.scalars(sa.select(Client)).all()) == 1


def test_a_preset_token_is_valid_after_every_start(database: Database) -> None:
    for preset in ("first", "second", "second"):
        with database.write() as session:
            assert tokens.bootstrap(session, preset=preset, now=NOW) is None
            assert tokens.authenticate(session, preset, now=NOW).may("operator")
    with database.read() as session:
        assert len(session.scalars(sa.select(Token)).all()) == 2
