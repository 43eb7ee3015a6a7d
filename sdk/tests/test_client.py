"""`Client` speaks the contract, repeats what may be repeated and nothing else. On a real socket."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from tradespace import (
    ApiError,
    Client,
    ConnectionFailed,
    InvalidInputError,
    Measurement,
    Metric,
    Prediction,
    ReferenceValue,
    UnexpectedReplyError,
)

PARAMETERS = [{"name": "depth", "type": "int", "bounds": {"min": 1, "max": 9}}]
FRONT = {
    "object": "front",
    "generation": 8,
    "data_generation": 9,
    "hypervolume": 0.5,
    "ref_point": {"accuracy": {"value": 0.8, "inferred": False}, "latency_ms": {"value": None, "inferred": True}},
    "points": [
        {
            "id": "5",
            "assignments": {"depth": 4},
            "values": [
                {"name": "accuracy", "value": 0.91, "value_stddev": 0.01},
                {"name": "latency_ms", "value": 12, "value_stddev": None},
            ],
            "novelty": 1,
        }
    ],
    "recommended": {
        "assignments": {"depth": 4},
        "values": [{"name": "accuracy", "value": 0.91}],
        "sentence": "Take depth 4.",
    },
}


@pytest.fixture
def client(service: Any, token: str) -> Iterator[Client]:
    with Client(service.url, token, timeout=20) as opened:
        yield opened


def test_the_whole_loop_takes_a_few_lines(client: Client, service: Any) -> None:
    experiment = client.create_experiment("digits", PARAMETERS, ["accuracy"], metadata={"team": "vision"})
    suggestion = client.next_suggestion(experiment, metadata={"host": "a"})
    observation = client.observe(experiment, {"accuracy": (0.91, 0.01)}, suggestion=suggestion)
    assert service.experiments == [
        {"name": "digits", "parameters": PARAMETERS, "metrics": ["accuracy"], "metadata": {"team": "vision"}}
    ]
    assert (experiment.id, experiment.name, experiment.metadata) == ("12", "digits", {"team": "vision"})
    assert experiment.metrics == (Metric("accuracy", "maximize", "optimize", 0.8),)
    assert (suggestion.id, suggestion.source, suggestion.model_generation) == ("1", "pool", 8)
    assert suggestion.assignments == {"depth": 4, "family": "forest", "rate": 0.01}
    assert suggestion.predicted == {"accuracy": Prediction(0.9, 0.01)}
    assert observation.suggestion == "1"
    assert observation.values == {"accuracy": Measurement(0.91, 0.01)}
    assert client.experiment(experiment).observation_count == 3


def test_a_suggestion_can_be_asked_for_after_a_result(client: Client, service: Any) -> None:
    client.next_suggestion(12, after="r-7")
    assert service.requests[-1].body == {"after_result": "r-7"}
    client.next_suggestion(12)
    assert service.requests[-1].body == {}


def test_over_http_the_result_id_is_the_idempotency_key(client: Client, service: Any) -> None:
    assert client.observe(12, assignments={"depth": 4}, failed=True, result_id="mine").result_id == "mine"
    assert service.requests[-1].body == {"assignments": {"depth": 4}, "failed": True}
    assert service.requests[-1].headers["idempotency-key"] == "mine"


def test_a_person_can_queue_a_configuration(client: Client, service: Any) -> None:
    queued = client.queue_suggestion("12", {"depth": 3})
    assert (queued.id, queued.experiment, queued.assignments) == ("3", "12", {"depth": 3})


def test_the_front_is_read_with_its_points_and_its_recommendation(client: Client, service: Any) -> None:
    service.front = FRONT
    front = client.front(12)
    assert (front.generation, front.data_generation, front.hypervolume) == (8, 9, 0.5)
    assert front.ref_point == {"accuracy": ReferenceValue(0.8, False), "latency_ms": ReferenceValue(None, True)}
    assert front.points[0].values == {"accuracy": Measurement(0.91, 0.01), "latency_ms": Measurement(12.0)}
    assert front.recommended is not None
    assert front.recommended.sentence == "Take depth 4."


def test_an_empty_front_is_a_front(client: Client, service: Any) -> None:
    service.front = {"generation": 0, "hypervolume": None, "points": [], "recommended": None}
    front = client.front(12)
    assert (front.points, front.hypervolume, front.ref_point, front.recommended) == ((), None, {}, None)


def test_the_best_assignments_are_read(client: Client) -> None:
    best = client.best_assignments(12)
    assert [(one.id, one.values["accuracy"].value) for one in best] == [("5", 0.91)]


def test_the_report_link_holds_a_guest_token_and_not_ones_own(client: Client, service: Any, token: str) -> None:
    assert client.report_url(12) == f"{service.url}/experiments/12/report?guest=ts_guest%2F1"
    assert token not in client.report_url(12)


def test_an_address_may_have_a_path_and_a_slash_at_its_end(service: Any, token: str) -> None:
    with Client(f"{service.url}/prefix/", token) as client:
        assert client.experiment(12).id == "12"
        assert client.report_url(12).startswith(f"{service.url}/prefix/experiments/12/report?")
    assert service.requests[0].path == "/prefix/v1/experiments/12"


# -- trying again ------------------------------------------------------------------------------------------------------
def test_a_suggestion_asked_for_again_is_handed_out_once(client: Client, service: Any, answer: Any) -> None:
    service.mishaps = [
        answer(0, hang_up=True, done_first=True),
        answer(500, {"message": "sorry"}, done_first=True),
        answer(502, "<html>bad gateway</html>"),
        answer(429, {"message": "too many"}, {"Retry-After": "0"}),
    ]
    assert client.next_suggestion(12).id == "1"
    keys = [request.headers["idempotency-key"] for request in service.requests]
    assert len(keys) == 5
    assert len(set(keys)) == 1
    assert len(service.suggestions) == 1
    assert client.next_suggestion(12).id == "2"


def test_a_key_of_ones_own_gets_the_same_suggestion_again(client: Client, service: Any) -> None:
    first = client.next_suggestion(12, idempotency_key="worker-3/trial-1")
    assert client.next_suggestion(12, idempotency_key="worker-3/trial-1") == first


def test_a_result_sent_again_counts_once(client: Client, service: Any, answer: Any) -> None:
    service.mishaps = [answer(0, hang_up=True, done_first=True), answer(503, {"message": "starting"})]
    assert client.observe(12, {"accuracy": 0.9}, suggestion=7).id == "1"
    assert len(service.requests) == 3
    assert len(service.observations) == 1


def test_an_experiment_whose_answer_was_lost_is_not_made_twice(client: Client, service: Any, answer: Any) -> None:
    service.mishaps = [answer(0, hang_up=True, done_first=True)]
    with pytest.raises(ConnectionFailed, match="no answer from"):
        client.create_experiment("digits", PARAMETERS, ["accuracy"])
    service.mishaps = [answer(500, {"message": "sorry"}, done_first=True)]
    with pytest.raises(ApiError, match="500: sorry"):
        client.create_experiment("digits", PARAMETERS, ["accuracy"])
    assert len(service.experiments) == 2


def test_an_experiment_that_was_surely_not_made_is_asked_for_again(client: Client, service: Any, answer: Any) -> None:
    service.mishaps = [answer(429, {"message": "too many"}), answer(503, {"message": "starting"})]
    assert client.create_experiment("digits", PARAMETERS, ["accuracy"]).id == "12"
    assert len(service.experiments) == 1


def test_a_wait_longer_than_the_timeout_is_told_instead_of_waited(client: Client, service: Any, answer: Any) -> None:
    service.mishaps = [answer(429, {"message": "too many"}, {"Retry-After": "3600"})]
    with pytest.raises(ApiError) as caught:
        client.next_suggestion(12)
    assert (caught.value.status, caught.value.retry_after) == (429, 3600.0)
    assert len(service.requests) == 1


def test_a_wait_may_be_given_as_a_date(client: Client, service: Any, answer: Any) -> None:
    past = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
    future = format_datetime(datetime(2999, 1, 1, tzinfo=UTC), usegmt=True)
    service.mishaps = [
        answer(503, {"message": "starting"}, {"Retry-After": past}),
        answer(503, {"message": "starting"}, {"Retry-After": "soon"}),
        answer(503, {"message": "gone for long"}, {"Retry-After": future}),
    ]
    with pytest.raises(ApiError, match="gone for long"):
        client.experiment(12)
    assert len(service.requests) == 3


def test_when_it_stays_broken_the_last_answer_is_the_error(service: Any, token: str, answer: Any) -> None:
    service.mishaps = [answer(503, {"message": "starting", "code": "unavailable"})] * 1000
    with Client(service.url, token, timeout=1) as client, pytest.raises(ApiError, match="503: starting") as caught:
        client.experiment(12)
    assert caught.value.code == "unavailable"
    assert len(service.requests) > 1


def test_when_nobody_is_there_the_error_says_where_and_how_often(token: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Client(url, token, timeout=1) as client, pytest.raises(ConnectionFailed, match=url) as caught:
            client.create_experiment("digits", PARAMETERS, ["accuracy"])
    assert caught.value.attempts > 1
    assert pickle.loads(pickle.dumps(caught.value)).message == caught.value.message


def test_a_service_that_never_answers_is_given_up(token: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with Client(url, token, timeout=0.3) as client, pytest.raises(ConnectionFailed, match="no answer"):
            client.next_suggestion(12)


# -- refusals ----------------------------------------------------------------------------------------------------------
def test_a_refusal_carries_the_field_and_the_whole_body(client: Client, service: Any, answer: Any) -> None:
    body = {
        "message": "unknown metric 'acuracy'; did you mean 'accuracy'?",
        "status": 400,
        "code": "invalid_input",
        "errors": [{"field": "acuracy", "expected": "accuracy"}],
    }
    service.mishaps = [answer(400, body)]
    with pytest.raises(ApiError) as caught:
        client.observe(12, {"acuracy": 0.9}, suggestion=7)
    error = caught.value
    assert (error.status, error.field, error.code, error.body) == (400, "acuracy", "invalid_input", body)
    assert str(error) == "400: unknown metric 'acuracy'; did you mean 'accuracy'?"
    again = pickle.loads(pickle.dumps(error))
    assert (again.status, again.message, again.field, again.body) == (400, error.message, "acuracy", body)
    assert len(service.requests) == 1


def test_what_is_not_there_is_an_error_with_its_status(client: Client) -> None:
    with pytest.raises(ApiError, match="404: No experiment 99") as caught:
        client.experiment(99)
    assert (caught.value.status, caught.value.field) == (404, None)


@pytest.mark.parametrize("body", ["<html>", "", "[]", '"no"', '{"errors": [3]}', '{"errors": {}}', '{"message": null}'])
def test_an_error_of_any_form_is_an_api_error(client: Client, service: Any, answer: Any, body: str) -> None:
    service.mishaps = [answer(400, body)]
    with pytest.raises(ApiError, match="400: Bad Request"):
        client.experiment(12)


def test_a_service_that_moved_says_where_to(client: Client, service: Any, answer: Any) -> None:
    service.mishaps = [answer(301, "", {"Location": "https://tradespace.example/v1/experiments/12"})]
    with pytest.raises(ApiError, match=r"elsewhere: https://tradespace\.example"):
        client.experiment(12)


def test_an_answer_that_is_no_json_is_told_as_such(client: Client, service: Any, answer: Any) -> None:
    service.mishaps = [answer(200, "<html>hello</html>", {"Content-Type": "text/html"})]
    with pytest.raises(UnexpectedReplyError, match="expected JSON, got text/html"):
        client.experiment(12)


WRONG_REPLIES = [
    ([], r"suggestion: expected an object, got \[\]"),
    ({"id": "1"}, "suggestion.experiment: expected a text, got null"),
    ({"id": "1", "experiment": 12, "assignments": None}, "suggestion.assignments: expected an object, got null"),
    (
        {"id": "1", "experiment": "12", "assignments": {}, "model_generation": "8"},
        "suggestion.model_generation: expected a number",
    ),
    (
        {"id": "1", "experiment": "12", "assignments": {}, "model_generation": 8.5},
        "suggestion.model_generation: expected a whole number",
    ),
]


@pytest.mark.parametrize(("body", "message"), WRONG_REPLIES)
def test_a_reply_of_another_form_names_the_place(
    client: Client, service: Any, answer: Any, body: Any, message: str
) -> None:
    service.mishaps = [answer(200, body)]
    with pytest.raises(UnexpectedReplyError, match=message):
        client.next_suggestion(12)


def test_a_front_of_another_form_names_the_place(client: Client, service: Any) -> None:
    service.front = {**FRONT, "points": [{"id": "5", "assignments": {}, "values": [{"name": "a", "value": True}]}]}
    with pytest.raises(
        UnexpectedReplyError, match=r"front\.points\[0\]\.values\[0\]\.value: expected a number, got true"
    ):
        client.front(12)
    service.front = {**FRONT, "points": {}}
    with pytest.raises(UnexpectedReplyError, match=r"front\.points: expected a list"):
        client.front(12)
    service.front = {**FRONT, "ref_point": {"a": {"value": 1, "inferred": "yes"}}}
    with pytest.raises(UnexpectedReplyError, match=r"front\.ref_point\.a\.inferred: expected true or false"):
        client.front(12)


# -- what is handed in, and what is kept secret ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8321", "ftp://x", "http://", "http://me:canary@host", "http://x?a=1", "http://[", None]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: Any, token: str) -> None:
    with pytest.raises(InvalidInputError, match="url: expected http://HOST") as caught:
        Client(url, token)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["", "canary canary", "canary\n", "canäry", None, 7])
def test_a_token_that_is_none_is_refused_without_repeating_it(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match="token: expected") as caught:
        Client("http://127.0.0.1:1", wrong)
    assert "can" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\r\nHost: b", 7])
def test_a_key_that_no_header_can_hold_is_refused(client: Client, service: Any, key: Any) -> None:
    with pytest.raises(InvalidInputError, match="idempotency_key: expected"):
        client.next_suggestion(12, idempotency_key=key)
    with pytest.raises(InvalidInputError, match="result_id: expected"):
        client.observe(12, {"accuracy": 0.9}, suggestion=7, result_id=key)
    assert service.requests == []


def test_what_json_cannot_hold_is_not_sent(client: Client, service: Any) -> None:
    with pytest.raises(InvalidInputError, match="message: expected what JSON can hold"):
        client.create_experiment("digits", PARAMETERS, ["accuracy"], seed=float("nan"))
    with pytest.raises(InvalidInputError, match="experiment: expected an id"):
        client.front("../../v1/tokens")
    with pytest.raises(InvalidInputError, match=r"assignments\.depth: expected"):
        client.queue_suggestion(12, {"depth": float("inf")})
    with pytest.raises(InvalidInputError, match=r"metadata\.a: expected"):
        client.next_suggestion(12, metadata={"a": float("inf")})
    assert service.requests == []


def test_the_token_is_in_no_error_and_no_repr_even_if_the_service_repeats_it(
    client: Client, service: Any, answer: Any, token: str
) -> None:
    service.mishaps = [answer(403, {"message": f"{token} may not", "status": 403, "token": token})]
    with pytest.raises(ApiError) as caught:
        client.experiment(12)
    service.mishaps = [answer(0, hang_up=True)]
    with pytest.raises(ConnectionFailed) as lost:
        client.queue_suggestion(12, {"depth": 3})
    shown = f"{client!r} {caught.value!r} {caught.value.body} {lost.value!r} {lost.value.__cause__!r}"
    assert "may not" in shown
    assert token not in shown


def test_replies_do_not_change_and_travel_between_processes(client: Client) -> None:
    suggestion = client.next_suggestion(12)
    assert pickle.loads(pickle.dumps(suggestion)) == suggestion
    with pytest.raises(AttributeError):
        suggestion.id = "8"  # type: ignore[misc]
