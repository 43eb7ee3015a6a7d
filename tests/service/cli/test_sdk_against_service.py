"""The SDK and the service agree: what the one sends the other takes, over a real socket."""

from __future__ import annotations

import asyncio

from tests.service.cli.conftest import Run
from tests.support import BODY
from tradespace import AsyncClient, Client, Trial, create_study, producer


def test_a_function_works_through_leased_suggestions(served: dict[str, str]) -> None:
    with Client.from_env(served) as client:
        experiment = client.create_experiment(BODY["name"], BODY["parameters"], BODY["metrics"])

        @producer(experiment=experiment, client=client, lease_s=30, metadata={"host": "a"})
        def trial(x: float, y: float) -> dict[str, float]:
            return {"accuracy": x, "latency_ms": y}

        assert trial.run(trials=2) == 2
        suggestion = client.next_suggestion(experiment, lease_s=5)
        assert client.heartbeat(experiment, suggestion, lease_s=9).lease_s == 9
        page = client.observations(experiment, limit=1)
        rest = client.observations(experiment, limit=1, before=page.before)
        assert (page.count, len(page), rest.items[0].metadata) == (2, 1, {"host": "a"})
        assert [one.name for one in client.experiments(search="two")] == [BODY["name"]]


def test_a_study_is_asked_and_told(served: dict[str, str]) -> None:
    def space(trial: Trial) -> float:
        return trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 9)

    with Client.from_env(served) as client:
        study = create_study(client, "asked", space, [{"name": "loss", "objective": "minimize"}])
        study.optimize(space, n_trials=2)
        study.tell(study.ask(), state="fail")
        assert [one.failed for one in study.trials] == [False, False, True]


def test_webhooks_are_made_changed_and_forgotten(served: dict[str, str]) -> None:
    with Client.from_env(served) as client:
        made = client.create_webhook("https://example.com/hook", event_types=["front.changed"], description="ours")
        client.ping_webhook(made)
        assert client.change_webhook(made, state="disabled").state == "disabled"
        assert client.change_webhook(made, state="active", url="https://example.com/other").url.endswith("other")
        assert client.rotate_webhook_secret(made, overlap_s=60).secret != made.secret
        assert len(client.deliveries(made, state="pending")) == 0
        assert client.replay_failed(made) == 0
        client.delete_webhook(made)
        assert len(client.webhooks()) == 0


def test_tasks_of_one_loop_share_an_async_client(served: dict[str, str], run: Run) -> None:
    async def two(experiment: str) -> list[str]:
        async with AsyncClient.from_env(served) as client:
            suggestions = await asyncio.gather(*(client.next_suggestion(experiment) for _ in range(2)))
            values = {"accuracy": 0.5, "latency_ms": 1.0}
            await asyncio.gather(*(client.observe(experiment, values, suggestion=one) for one in suggestions))
            return [one.id for one in await client.observations(experiment)]

    with Client.from_env(served) as client:
        experiment = client.create_experiment(BODY["name"], BODY["parameters"], BODY["metrics"])
    assert asyncio.run(two(experiment.id)) == ["2", "1"]
