"""Endpoints: what may be made, who sees it, what a ping and a delete do."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from service import webhooks
from service.db import Database
from service.errors import ConflictError, InvalidInputError, NotFoundError
from service.events import EventType
from service.models import Delivery, Endpoint, Event
from service.paging import Page, Window
from service.webhooks import endpoints
from tests.service.webhooks.given import START, a_client, an_endpoint, an_event, an_experiment

NOTHING: Page[Endpoint] = Page((), None, None)


def test_an_endpoint_is_kept_as_it_was_asked_for_with_a_secret_of_its_own(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        experiment = an_experiment(session, client)
        one = an_endpoint(session, client, experiment_id=experiment, event_types=["suggestion.ready", "front.changed"])
        other = an_endpoint(session, client, url="http://127.0.0.1:9/x")
    with database.read() as session:
        row = webhooks.find(session, one.id, client_id=client)
        assert (row.url, row.experiment_id, row.state) == ("https://example.com/hook", experiment, "active")
        assert row.event_types == ["front.changed", "suggestion.ready"]
        assert row.secret == one.secret != other.secret


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"url": "http://example.com/"}, ".url", "https://"),
        ({"event_types": ["front.chnged"]}, ".event_types", "did you mean 'front.changed'?"),
        ({"event_types": ["zzz"]}, ".event_types", "known: endpoint.disabled, front.changed"),
        ({"event_types": ["observation.recorded"]}, ".event_types", "unknown event type 'observation.recorded'"),
    ],
)
def test_a_refusal_names_the_field_and_what_was_expected(
    database: Database, options: dict[str, Any], field: str, words: str
) -> None:
    with database.write() as session, pytest.raises(InvalidInputError) as refusal:
        an_endpoint(session, a_client(session), **options)
    assert refusal.value.facts["field"] == field
    assert refusal.value.facts["expected"]
    assert words in refusal.value.message


def test_an_experiment_that_is_anothers_or_deleted_or_missing_is_not_found(database: Database) -> None:
    with database.write() as session:
        client, stranger = a_client(session), a_client(session)
        for experiment in (an_experiment(session, stranger), an_experiment(session, client, state="deleted"), 999_999):
            with pytest.raises(NotFoundError, match=f"No experiment {experiment}"):
                an_endpoint(session, client, experiment_id=experiment)


def test_a_client_has_a_bounded_number_of_endpoints(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 2)
    with database.write() as session:
        client = a_client(session)
        an_endpoint(session, a_client(session))
        first = an_endpoint(session, client)
        an_endpoint(session, client)
        with pytest.raises(ConflictError, match="delete one first"):
            an_endpoint(session, client)
        webhooks.delete(session, first.id, client_id=client)
        an_endpoint(session, client)


def test_another_client_sees_none_of_it(database: Database) -> None:
    with database.write() as session:
        client, stranger = a_client(session), a_client(session)
        endpoint = an_endpoint(session, client)
        for use in (webhooks.find, webhooks.delete):
            with pytest.raises(NotFoundError):
                use(session, endpoint.id, client_id=stranger)
        with pytest.raises(NotFoundError):
            webhooks.ping(session, endpoint.id, client_id=stranger, now=START)
        assert webhooks.listed(session, Window(), client_id=stranger) == (NOTHING, 0)


def test_a_caller_bound_to_an_experiment_sees_only_its_endpoints(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        experiment = an_experiment(session, client)
        everywhere, here = an_endpoint(session, client), an_endpoint(session, client, experiment_id=experiment)
        page, count = webhooks.listed(session, Window(), client_id=client, only=experiment)
        assert ([row.id for row in page.rows], count) == ([here.id], 1)
        with pytest.raises(NotFoundError):
            webhooks.find(session, everywhere.id, client_id=client, only=experiment)


def test_the_list_is_newest_first_and_can_be_walked_both_ways(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        ids = [an_endpoint(session, client).id for _ in range(3)]
        page, count = webhooks.listed(session, Window(limit=2), client_id=client)
        assert ([row.id for row in page.rows], count) == ([ids[2], ids[1]], 3)
        page, count = webhooks.listed(session, Window(limit=2, before=page.before), client_id=client)
        assert ([row.id for row in page.rows], count) == ([ids[0]], 3)
        page, count = webhooks.listed(session, Window(limit=2, after=page.after), client_id=client)
        assert [row.id for row in page.rows] == [ids[2], ids[1]]
        page, _ = webhooks.listed(session, Window(limit=2, ascending=True), client_id=client)
        assert [row.id for row in page.rows] == [ids[0], ids[1]]


def test_a_deleted_endpoint_is_gone_with_its_secret_and_with_what_was_on_its_way(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        webhooks.fan_out(session, an_event(session, client), START)
        webhooks.delete(session, endpoint.id, client_id=client)
        with pytest.raises(NotFoundError):
            webhooks.find(session, endpoint.id, client_id=client)
        assert webhooks.listed(session, Window(), client_id=client) == (NOTHING, 0)
        assert webhooks.claim_due(session, START, 10) == []
        assert webhooks.fan_out(session, an_event(session, client), START) == 0
    with database.read() as session:
        assert session.scalars(sa.select(Endpoint.secret)).all() == [""]
        assert session.scalars(sa.select(Delivery.state)).all() == ["cancelled"]


def test_a_ping_goes_to_the_one_endpoint_whatever_it_subscribed_to(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        experiment = an_experiment(session, client)
        endpoint = an_endpoint(session, client, experiment_id=experiment, event_types=["front.changed"])
        an_endpoint(session, client)
        event = webhooks.ping(session, endpoint.id, client_id=client, now=START)
        assert (event.type, event.experiment_id) == (EventType.WEBHOOK_PING, experiment)
        assert webhooks.fan_out(session, event, START) == 1
        (prepared,) = webhooks.claim_due(session, START, 10)
        assert prepared.endpoint_id == endpoint.id


def test_a_disabled_endpoint_is_not_pinged(database: Database) -> None:
    with database.write() as session:
        client = a_client(session)
        endpoint = an_endpoint(session, client)
        endpoints.disable(session, endpoint, reason="test", now=START)
        with pytest.raises(ConflictError, match="disabled"):
            webhooks.ping(session, endpoint.id, client_id=client, now=START)
        assert session.scalars(sa.select(Event.type)).all() == ["endpoint.disabled"]
