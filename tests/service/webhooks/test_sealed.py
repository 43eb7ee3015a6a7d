"""Secrets of endpoints stand in the database encrypted where there is a key, and are shown once all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from service import webhooks
from service.db import Database
from service.errors import UnavailableError
from service.models import Endpoint
from service.sealing import Seal
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event

OLD, NEW = "0" * 32, "1" * 32
HOUR = timedelta(hours=1)


def stored(database: Database) -> list[str]:
    with database.read() as session:
        rows = session.execute(sa.select(Endpoint.secret, Endpoint.old_secret).order_by(Endpoint.id)).all()
    return [secret for row in rows for secret in row if secret is not None]


def test_a_new_and_a_rotated_secret_are_encrypted_and_both_sign(database: Database) -> None:
    seal = Seal([OLD])
    with database.write() as session:
        client = a_client(session)
        first = an_endpoint(session, client)  # from before there was a key
        plain = first.secret
        webhooks.rotate(session, first.id, client_id=client, overlap=HOUR, now=START, seal=seal)
        an_endpoint(session, client, seal=seal)
        webhooks.fan_out(session, an_event(session, client), START)
        signing = [seal.opened(secret) for secret in webhooks.claim_due(session, START, 9)[0].secrets]
    assert not [secret for secret in stored(database) if secret.startswith("whsec_")]
    assert plain in signing
    assert len(signing) == 2


def test_rekeying_encrypts_what_is_plain_or_of_another_key_once(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        plain = an_endpoint(session, client).secret
        older = an_endpoint(session, client, seal=Seal([OLD])).secret
        gone = an_endpoint(session, client)
        webhooks.delete(session, gone.id, client_id=client)
    seal = Seal([NEW, OLD])
    with database.write() as session:
        assert webhooks.standing(session, seal=seal) == webhooks.Standing(current=0, stale=2, unreadable=0)
        assert webhooks.reseal(session, seal=seal) == 2
        assert webhooks.reseal(session, seal=seal) == 0
        assert webhooks.standing(session, seal=Seal([NEW])) == webhooks.Standing(current=2, stale=0, unreadable=0)
    assert [Seal([NEW]).opened(secret) for secret in stored(database)] == [plain, Seal([OLD]).opened(older), ""]


def test_rekeying_without_a_secrets_key_changes_nothing(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        an_endpoint(session, client)
        an_endpoint(session, client, seal=Seal([OLD]))
    before = stored(database)
    with pytest.raises(UnavailableError, match="TRADESPACE_SECRET_KEYS"), database.write() as session:
        webhooks.reseal(session, seal=Seal([NEW]))
    assert stored(database) == before
    with database.read() as session:
        assert webhooks.standing(session, seal=Seal([NEW])) == webhooks.Standing(current=0, stale=1, unreadable=1)
