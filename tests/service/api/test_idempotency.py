"""A POST that is sent again with its key is done once, whatever became of the first reply."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from service import experiments
from service.api import experiments as views
from service.api import reservations
from service.api.reservations import LEASE
from service.models import Experiment, Remembered
from service.tokens import issue
from tests.service.api.conftest import Api
from tests.support import BODY, new_client

KEY = {"Idempotency-Key": "b6f2c1a8"}


def count(api: Api, table: type[Experiment | Remembered]) -> int:
    with api.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_the_same_request_with_the_same_key_is_done_once_and_answered_the_same(api: Api) -> None:
    first = api.post("/v1/experiments", BODY, headers=KEY)
    again = api.post("/v1/experiments", BODY, headers=KEY)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.data == again.data
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert count(api, Experiment) == 1


def test_the_same_key_with_anything_else_is_a_mistake(api: Api) -> None:
    api.post("/v1/experiments", BODY, headers=KEY)
    refused = api.post("/v1/experiments", {**BODY, "name": "another"}, headers=KEY)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "Idempotency-Key")  # type: ignore[index]
    assert api.post("/v1/experiments?fields=id", BODY, headers=KEY).status_code == 422


def test_a_refusal_is_not_kept(api: Api) -> None:
    assert api.post("/v1/experiments", {"name": "no parameters"}, headers=KEY).status_code == 400
    assert api.post("/v1/experiments", BODY, headers=KEY).status_code == 200


def test_while_the_first_runs_the_second_is_told_so(api: Api) -> None:
    api.post("/v1/experiments", BODY, headers=KEY)
    with api.database.write() as session:
        session.execute(sa.update(Remembered).values(status=None, body=None))
    refused = api.post("/v1/experiments", BODY, headers=KEY)
    assert refused.status_code == 409
    assert "has not ended" in refused.json["message"]  # type: ignore[index]


def grown_old(api: Api, by: timedelta) -> None:
    with api.database.write() as session:
        session.execute(sa.update(Remembered).values(created_at=api.database.now(session) - by))


def test_a_request_that_died_before_it_did_anything_is_taken_over_when_its_lease_has_ended(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as dies:
        dies.setattr(experiments, "create", die)
        with pytest.raises(SystemExit):
            api.post("/v1/experiments", BODY, headers=KEY)
    grown_old(api, LEASE - timedelta(seconds=30))
    assert api.post("/v1/experiments", BODY, headers=KEY).status_code == 409
    grown_old(api, LEASE)
    done = api.post("/v1/experiments", BODY, headers=KEY)
    assert (done.status_code, count(api, Experiment)) == (200, 1)
    assert api.post("/v1/experiments", BODY, headers=KEY).data == done.data


def test_what_was_done_is_not_done_again_although_its_reply_was_lost(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as dies:
        dies.setattr(reservations, "keep", lambda *_, **__: None)
        assert api.post("/v1/experiments", BODY, headers=KEY).status_code == 200
    grown_old(api, 2 * LEASE)
    refused = api.post("/v1/experiments", BODY, headers=KEY)
    assert (refused.status_code, count(api, Experiment)) == (409, 1)
    assert "was carried out" in refused.json["message"]  # type: ignore[index]


def test_who_was_only_slow_takes_everything_back_when_another_took_over(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = experiments.create

    def slow(session: Session, *arguments: Any, **options: Any) -> Experiment:
        session.execute(sa.update(Remembered).values(created_at=options["now"] + LEASE))  # as another one leaves it
        return create(session, *arguments, **options)

    monkeypatch.setattr(experiments, "create", slow)
    assert api.post("/v1/experiments", BODY, headers=KEY).status_code == 409
    assert count(api, Experiment) == 0


def test_a_fault_after_the_work_was_done_does_not_give_the_key_back(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as breaks:
        breaks.setattr(views, "reply", broken)
        assert api.post("/v1/experiments", BODY, headers=KEY).status_code == 500
    assert (api.post("/v1/experiments", BODY, headers=KEY).status_code, count(api, Experiment)) == (409, 1)


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("a fault")


def test_of_many_at_once_one_is_done(api: Api) -> None:
    seen: list[int] = []

    def send() -> None:
        seen.append(api.post("/v1/experiments", BODY, headers=KEY).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) <= {200, 409}
    assert 200 in seen
    assert count(api, Experiment) == 1


def test_a_key_is_forgotten_after_a_day(api: Api) -> None:
    api.post("/v1/experiments", BODY, headers=KEY)
    with api.database.write() as session:
        session.execute(sa.update(Remembered).values(created_at=datetime.now(UTC) - timedelta(hours=25)))
    assert "Idempotent-Replayed" not in api.post("/v1/experiments", BODY, headers=KEY).headers
    assert (count(api, Experiment), count(api, Remembered)) == (2, 1)


def test_keys_of_two_clients_have_nothing_to_do_with_each_other(api: Api) -> None:
    api.post("/v1/experiments", BODY, headers=KEY)
    with api.database.write() as session:
        other = new_client(session, now=datetime.now(UTC))[1]
    assert "Idempotent-Replayed" not in api.post("/v1/experiments", BODY, headers=KEY, auth=(other, "")).headers


def test_who_may_not_do_it_gets_no_replay_of_it(api: Api) -> None:
    client = api.post("/v1/experiments", BODY, headers=KEY).json["client"]  # type: ignore[index]
    with api.database.write() as session:
        reader = issue(session, client_id=int(client), name="r", permission="read", now=datetime.now(UTC))[1]
    assert api.post("/v1/experiments", BODY, headers=KEY, auth=(reader, "")).status_code == 403


def test_a_secret_is_shown_once_also_to_who_asks_again(api: Api) -> None:
    path = f"/v1/experiments/{api.experiment()}/tokens"
    assert api.post(path, headers=KEY).json["token"]  # type: ignore[index]
    again = api.post(path, headers=KEY).json
    assert again is not None
    assert (again["token"], again["token_type"]) == (None, "guest")


@pytest.mark.parametrize("key", ["", "x" * 256, "ä"])
def test_what_cannot_be_a_key_is_refused(api: Api, key: str) -> None:
    reply = api.post("/v1/experiments", BODY, headers={"Idempotency-Key": key})
    assert (reply.status_code, reply.json["errors"][0]["field"]) == (400, "Idempotency-Key")  # type: ignore[index]


def test_a_reply_that_nobody_looked_at_is_replayed_as_nothing(api: Api) -> None:
    skip = {**KEY, "X-Response-Content": "skip"}
    assert [api.post("/v1/experiments", BODY, headers=skip).status_code for _ in range(2)] == [204, 204]
    assert count(api, Experiment) == 1
