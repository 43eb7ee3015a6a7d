"""`AsyncClient` is `Client`, awaited: the same methods, the same retries, the same errors."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime
from typing import Any

import pytest

from tradespace import ApiError, AsyncClient, Client, ConnectionFailed, InvalidInputError


def public(kind: type[Any]) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_both_clients_have_the_same_methods_each_documented() -> None:
    assert public(Client) == public(AsyncClient)
    for name in public(Client):
        assert inspect.getdoc(getattr(Client, name)) == inspect.getdoc(getattr(AsyncClient, name))
        assert inspect.getdoc(getattr(Client, name))


def test_the_whole_loop_runs_in_a_task(service: Any, token: str, answer: Any) -> None:
    async def loop() -> list[str]:
        async with AsyncClient(service.url, token) as client:
            experiment = await client.create_experiment("digits", [{"name": "depth"}], ["accuracy"])
            service.mishaps = [answer(0, hang_up=True, done_first=True), answer(503, {"message": "starting"})]
            suggestions = await asyncio.gather(*(client.next_suggestion(experiment) for _ in range(4)))
            results = [client.observe(experiment, {"accuracy": 0.9}, suggestion=one) for one in suggestions]
            return [observation.id for observation in await asyncio.gather(*results)]

    assert sorted(asyncio.run(loop())) == ["1", "2", "3", "4"]
    assert len(service.suggestions) == 4


def test_errors_are_the_same(service: Any, token: str) -> None:
    async def ask(url: str, timeout: float) -> None:
        async with AsyncClient(url, token, timeout=timeout) as client:
            await client.experiment(99)

    with pytest.raises(ApiError, match="404: No experiment 99"):
        asyncio.run(ask(service.url, 5))
    with pytest.raises(ConnectionFailed, match="no answer from"):
        asyncio.run(ask("http://127.0.0.1:1", 0.3))


def test_a_client_is_made_of_the_environment(service: Any, token: str) -> None:
    with Client.from_env({"TRADESPACE_URL": service.url, "TRADESPACE_TOKEN": token}) as client:
        assert client.experiment(12).id == "12"
    assert "8321" in repr(Client.from_env({"TRADESPACE_TOKEN": token}))
    with pytest.raises(InvalidInputError, match="TRADESPACE_TOKEN"):
        Client.from_env({})


# -- lists, webhooks ---------------------------------------------------------------------------------------------------
def test_observations_are_listed_page_by_page(service: Any, token: str) -> None:
    with Client(service.url, token) as client:
        for number in range(3):
            client.observe(12, {"accuracy": number}, assignments={"depth": 1})
        first = client.observations(12, limit=2)
        rest = client.observations(12, limit=2, before=first.before)
        assert ([one.id for one in first], [one.id for one in rest], rest.before) == (["3", "2"], ["1"], None)
        assert (first.count, len(rest)) == (3, 1)
        assert [one.name for one in client.experiments(search="dig")] == ["digits"]
        assert client.delete_experiment(12) is None


def test_webhooks_are_made_listed_changed_tried_and_forgotten(service: Any, token: str) -> None:
    with Client(service.url, token) as client:
        made = client.create_webhook("https://example.com/hook", experiment=12, event_types=["front.changed"])
        assert service.requests[-1].body["experiment"] == "12"
        assert (made.id, made.secret, "canary" in repr(made)) == ("3", "whsec_canary", False)
        assert [one.secret for one in client.webhooks()] == [None]
        client.ping_webhook(made)
        assert client.change_webhook(made, state="disabled").state == "disabled"
        assert client.rotate_webhook_secret(made, overlap_s=60).secret == "whsec_canary"
        (lost,) = client.deliveries(made, state="exhausted")
        assert service.requests[-1].path.endswith("/deliveries?state=exhausted&limit=100")
        assert lost.attempts[0].error == "answered 500"
        assert client.replay_delivery(made, lost).state == "pending"
        assert client.replay_failed(made, since=datetime.now(UTC)) == 2
        client.delete_webhook(made)
