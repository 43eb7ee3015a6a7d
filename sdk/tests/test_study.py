"""Ask and tell as in Optuna: the space is said once, trials answer questions, values have their order."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest

from tradespace import Client, InvalidInputError, Trial, create_study, load_study


@pytest.fixture
def client(service: Any, token: str) -> Iterator[Client]:
    with Client(service.url, token) as opened:
        yield opened


def space(trial: Trial) -> tuple[float, int, Any]:
    rate = trial.suggest_float("rate", 1e-4, 1, log=True)
    return rate, trial.suggest_int("depth", 1, 9), trial.suggest_categorical("family", ["forest", "tree"])


def test_a_function_says_the_space_and_then_asks_the_trials(client: Client, service: Any) -> None:
    study = create_study(client, "digits", space, ["accuracy"])
    assert service.experiments[0]["parameters"] == [
        {"name": "rate", "type": "double", "bounds": {"min": 1e-4, "max": 1}, "transformation": "log"},
        {"name": "depth", "type": "int", "bounds": {"min": 1, "max": 9}},
        {"name": "family", "type": "categorical", "categorical_values": ["forest", "tree"]},
    ]
    trial = study.ask()
    assert space(trial) == (0.01, 4, "forest")
    assert (trial.number, trial.params["depth"]) == (1, 4)
    trial.set_user_attr("host", "a")
    told = study.tell(trial, 0.9)
    assert (told.values["accuracy"].value, told.metadata) == (0.9, {"host": "a"})


def test_steps_become_grids_and_other_choices_are_given_back_as_they_are(client: Client, service: Any) -> None:
    def stepped(trial: Trial) -> None:
        trial.suggest_float("drop", 0, 0.3, step=0.1)
        trial.suggest_int("batch", 8, 24, step=8)
        trial.suggest_categorical("flag", [True, False])

    create_study(client, "digits", stepped, ["accuracy"])
    drop, batch, flag = service.experiments[0]["parameters"]
    assert (drop["grid"], batch["grid"]) == ([0, 0.1, 0.2, 0.3], [8, 16, 24])
    assert flag["categorical_values"] == ["True", "False"]
    suggestion = client.next_suggestion(12)
    assert Trial(suggestion, {}).suggest_categorical("family", ["forest", 7]) == "forest"


def test_values_come_in_the_order_of_the_metrics_or_by_name(client: Client, service: Any) -> None:
    study = create_study(client, "digits", [{"name": "depth"}], ["latency_ms", {"name": "accuracy"}])
    study.tell(study.ask(), (12.5, 0.9))
    study.tell(study.ask(), {"accuracy": 0.9, "latency_ms": 12.5})
    bodies = [request.body["values"] for request in service.requests if request.path.endswith("/observations")]
    assert bodies[0] == [{"name": "latency_ms", "value": 12.5}, {"name": "accuracy", "value": 0.9}]
    with pytest.raises(InvalidInputError, match=r"2 value\(s\)"):
        study.tell(study.ask(), 0.9)


def test_a_failed_trial_is_told_as_such_also_by_optunas_word(client: Client, service: Any) -> None:
    class TrialState(Enum):
        FAIL = 3
        PRUNED = 2

    study = load_study(client, 12)
    for told in (study.tell(study.ask()), study.tell(study.ask(), state=TrialState.FAIL)):
        assert told.failed
    with pytest.raises(InvalidInputError, match="complete or fail"):
        study.tell(study.ask(), 1.0, state=TrialState.PRUNED)


def test_optimize_asks_and_tells_and_passes_errors_on(client: Client, service: Any) -> None:
    study = load_study(client, 12)
    study.optimize(lambda trial: trial.suggest_int("depth") / 10, 2)

    def broken(trial: Trial) -> float:
        raise ZeroDivisionError

    study.optimize(broken, 1, catch=(ZeroDivisionError,))
    with pytest.raises(ZeroDivisionError):
        study.optimize(broken, 1)
    assert [one.failed for one in study.trials] == [False, False, True, True]
    service.front = {"generation": 1, "hypervolume": None, "points": []}
    assert study.best_trials == ()


def test_questions_that_the_experiment_cannot_answer_are_refused(client: Client, service: Any) -> None:
    trial = create_study(client, "digits", space, ["accuracy"]).ask()
    with pytest.raises(InvalidInputError, match="a parameter that this trial has: depth, family, rate"):
        trial.suggest_float("depht", 0, 1)
    with pytest.raises(InvalidInputError, match="a question for a parameter of type int"):
        trial.suggest_float("depth", 0, 9)
    with pytest.raises(InvalidInputError, match="a range with the experiment's in it"):
        trial.suggest_int("depth", 5, 9)
    with pytest.raises(InvalidInputError, match="asks its trial for parameters"):
        create_study(client, "digits", lambda _trial: None, ["accuracy"])
    with pytest.raises(InvalidInputError, match="low and high"):
        create_study(client, "digits", lambda trial: trial.suggest_int("depth"), ["accuracy"])
