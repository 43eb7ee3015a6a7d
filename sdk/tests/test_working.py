"""A function as a producer: it works through suggestions, says that it lives, and tells failures from mistakes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tradespace import Client, InvalidInputError, TrialFailed, producer


@pytest.fixture
def client(service: Any, token: str) -> Iterator[Client]:
    with Client(service.url, token) as opened:
        yield opened


def test_a_function_works_through_suggestions_and_reports_what_it_returns(client: Client, service: Any) -> None:
    @producer(experiment=12, client=client, metadata={"host": "a"})
    def trial(depth: int, rate: float, family: str) -> dict[str, float]:
        return {"accuracy": depth / 10}

    assert trial(1, 0.5, "forest") == {"accuracy": 0.1}
    assert trial.run(trials=2) == 2
    stored = list(service.observations.values())
    assert [(one["suggestion"], one["values"][0]["value"]) for one in stored] == [("1", 0.4), ("2", 0.4)]
    assert stored[0]["metadata"] == {"host": "a"}
    assert {request.body.get("lease_s") for request in service.requests if request.path.endswith("suggestions")} == {60}


def test_while_it_works_its_suggestion_is_kept(client: Client, service: Any, answer: Any) -> None:
    @producer(experiment=12, client=client, lease_s=1)
    def slow(**_assignments: Any) -> dict[str, float]:
        end = time.monotonic() + 20
        while len(service.heartbeats) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        return {"accuracy": 1}

    slow.run(trials=1)
    assert service.heartbeats[:2] == ["1", "1"]


def test_a_service_that_grants_no_lease_gets_no_heartbeat(client: Client, service: Any) -> None:
    @producer(experiment=12, client=client, lease_s=None)
    def trial(**_assignments: Any) -> dict[str, float]:
        return {"accuracy": 1}

    trial.run(trials=1)
    assert service.heartbeats == []


def test_failures_are_reported_and_errors_in_a_row_end_the_run(client: Client, service: Any) -> None:
    outcomes = iter(
        [TrialFailed("diverged"), ValueError("bug"), None, KeyError("bug"), TypeError("bug"), ValueError("last")]
    )

    @producer(experiment=12, client=client)
    def trial(**_assignments: Any) -> dict[str, float] | None:
        outcome = next(outcomes)
        if outcome is None:
            return None
        raise outcome

    with pytest.raises(ValueError, match="last"):
        trial.run()
    stored = list(service.observations.values())
    assert [one["failed"] for one in stored] == [True] * 6
    assert stored[0]["metadata"] == {"error": "TrialFailed: diverged"}
    assert stored[2]["metadata"] == {"error": "TrialFailed: the function returned nothing"}


def test_what_is_no_mapping_is_a_mistake_of_the_function(client: Client, service: Any) -> None:
    @producer(experiment=12, client=client, give_up_after=1)
    def trial(**_assignments: Any) -> Any:
        return 0.5

    with pytest.raises(InvalidInputError, match="a mapping of metrics to values"):
        trial.run()


def test_without_a_client_the_environment_says_which(service: Any, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADESPACE_URL", service.url)
    monkeypatch.setenv("TRADESPACE_TOKEN", token)

    @producer(experiment=12)
    def trial(**_assignments: Any) -> dict[str, float]:
        return {"accuracy": 1}

    assert trial.run(trials=1) == 1
