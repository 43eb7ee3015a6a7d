"""An endpoint is changed, switched off and on, given another secret; what was lost is sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from service import webhooks
from service.db import Database
from service.errors import ConflictError, InvalidInputError, NotFoundError
from service.models import Client, Delivery, Endpoint
from service.paging import Window
from service.webhooks import Asked, Change, DeliveryState, EndpointState, Failed, Succeeded
from service.webhooks.signing import signed_headers
from tests.service.webhooks.given import HOSTS, PLAIN, START, a_client, an_endpoint, an_event

HOUR = timedelta(hours=1)
DICE = Random(1)


def change(session: Session, endpoint: Endpoint, asked: Change) -> Endpoint:
    return webhooks.change(session, endpoint.id, asked, client_id=endpoint.client_id, allowed_private_hosts=HOSTS)


def test_what_a_change_names_is_changed_and_the_rest_stays(database: Database) -> None:
    with database.write() as session:
        endpoint = an_endpoint(session, a_client(session), event_types=["front.changed"], description="ours")
        change(session, endpoint, Change(url="https://example.com/new"))
        assert (endpoint.url, endpoint.event_types, endpoint.description) == (
            "https://example.com/new",
            ["front.changed"],
            "ours",
        )
        change(session, endpoint, Change(event_types=(), describes=True))
        assert (endpoint.url, endpoint.event_types, endpoint.description) == ("https://example.com/new", [], None)
        with pytest.raises(InvalidInputError, match="https://"):
            change(session, endpoint, Change(url="http://example.com/"))
        with pytest.raises(NotFoundError):
            webhooks.change(session, endpoint.id, Change(), client_id=a_client(session), allowed_private_hosts=HOSTS)


def test_an_endpoint_that_was_given_up_is_switched_on_again_with_a_clean_record(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        webhooks.fan_out(session, an_event(session, client), START)
        (prepared,) = webhooks.claim_due(session, START, 1)
        webhooks.record_outcome(session, prepared, Failed("answered 410 Gone", 0.1, 410), START, rng=DICE)
        change(session, endpoint, Change(state=EndpointState.ACTIVE))
        assert (endpoint.state, endpoint.failing_since) == ("active", None)
        webhooks.fan_out(session, an_event(session, client), START)
        assert len(webhooks.claim_due(session, START, 9)) == 1  # the new one: what was cancelled stays so


def test_an_endpoint_switched_off_by_hand_is_sent_nothing(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        webhooks.fan_out(session, an_event(session, client), START)
        change(session, endpoint, Change(state=EndpointState.DISABLED))
        webhooks.fan_out(session, an_event(session, client), START)
        assert webhooks.claim_due(session, START, 9) == []


def test_while_secrets_overlap_both_verify_and_afterwards_only_the_new_one(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        old = endpoint.secret
        webhooks.rotate(session, endpoint.id, client_id=client, overlap=HOUR, now=START, seal=PLAIN)
        assert endpoint.secret != old
        webhooks.fan_out(session, an_event(session, client), START)
        (early,) = webhooks.claim_due(session, START, 1)
        (late,) = webhooks.claim_due(session, START + HOUR, 1)
    assert early.secrets == (endpoint.secret, old)
    assert late.secrets == (endpoint.secret,)
    headers = signed_headers(early.secrets, message_id=early.message_id, at=datetime.now(UTC), body=early.body)
    for secret in (old, endpoint.secret):
        Webhook(secret).verify(early.body, headers)


def test_without_an_overlap_the_old_secret_ends_at_once(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        webhooks.rotate(session, endpoint.id, client_id=client, overlap=HOUR, now=START, seal=PLAIN)
        webhooks.rotate(session, endpoint.id, client_id=client, overlap=timedelta(0), now=START, seal=PLAIN)
        webhooks.fan_out(session, an_event(session, client), START)
        assert webhooks.claim_due(session, START, 1)[0].secrets == (endpoint.secret,)
        webhooks.delete(session, endpoint.id, client_id=client)
        assert (endpoint.secret, endpoint.old_secret) == ("", None)


def test_all_that_was_lost_since_a_time_is_sent_again_and_nothing_else(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        for hours in range(3):
            webhooks.fan_out(session, an_event(session, client), START + hours * HOUR)
        (arrived,) = webhooks.claim_due(session, START, 1)
        webhooks.record_outcome(session, arrived, Succeeded(204, 0.1), START, rng=DICE)
        change(session, endpoint, Change(state=EndpointState.DISABLED))
        with pytest.raises(ConflictError, match="state active first"):
            webhooks.replay_failed(session, endpoint.id, client_id=client, now=START)
        change(session, endpoint, Change(state=EndpointState.ACTIVE))
        since = START + 2 * HOUR
        assert webhooks.replay_failed(session, endpoint.id, client_id=client, now=START, since=since) == 1
        assert webhooks.replay_failed(session, endpoint.id, client_id=client, now=START) == 1
        assert len(webhooks.claim_due(session, START, 9)) == 2


def test_the_history_is_narrowed_by_state_type_and_time(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        for hours in range(3):
            webhooks.fan_out(session, an_event(session, client), START + hours * HOUR)
        (arrived,) = webhooks.claim_due(session, START, 1)
        webhooks.record_outcome(session, arrived, Succeeded(204, 0.1), START, rng=DICE)
        counts = [
            webhooks.history(session, endpoint, Window(), asked=asked)[1]
            for asked in (
                Asked(state=DeliveryState.PENDING),
                Asked(event_type="front.changed"),
                Asked(event_type="webhook.ping"),
                Asked(since=START + HOUR, until=START + 2 * HOUR),
            )
        ]
    assert counts == [2, 3, 0, 1]


def test_a_client_that_was_put_away_is_told_nothing_more(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        webhooks.fan_out(session, an_event(session, client), START)
        session.get_one(Client, client).deleted_at = START
        assert not webhooks.has_due(session, START)
        assert webhooks.claim_due(session, START, 9) == []
        assert webhooks.fan_out(session, an_event(session, client), START) == 0
        assert webhooks.delete_all(session, client_id=client) == 1
        assert (endpoint.state, endpoint.secret) == (EndpointState.DELETED, "")
        states = session.scalars(sa.select(Delivery.state)).all()
    assert states == [DeliveryState.CANCELLED]
