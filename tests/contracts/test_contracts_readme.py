"""What docs/contracts/README.md shows works: shell, curl and Python, on a real Valkey and the service's own reader."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import redis as redis_client

from service.errors import InvalidInputError
from service.schemas.result import check_result, parse_message
from service.webhooks.signing import new_secret, signed_headers
from tasks.stream import STREAM
from tests.contracts.contracts import BLOCKS, CONTRACTS, README, SCHEMAS, blocks, check, commands, experiment, taken


def test_the_readme_names_every_schema_and_every_link_leads_somewhere() -> None:
    linked = set(re.findall(r"\]\(([\w./-]+)\)", README))
    assert {f"{name}.schema.json" for name in SCHEMAS} <= linked
    assert all((CONTRACTS / name).is_file() for name in linked)


def test_the_shell_commands_of_the_readme_put_good_results_and_one_bad_into_the_stream(
    redis: redis_client.Redis,
) -> None:
    refusals = []
    for port, number, *words in commands("redis-cli"):
        assert (port, number) == ("-p", "8322")
        redis.execute_command(*words)
    for _, fields in redis.xrange(STREAM):
        text = {name.decode(): value.decode() for name, value in fields.items()}
        check("result-message", json.loads(text["data"])) if "data" in text else check("result-message-flat", text)
        try:
            check_result(parse_message(fields, message_id="1-0"), experiment())
        except InvalidInputError as error:
            refusals.append(error.message)
    assert redis.xlen(STREAM) == 6
    assert refusals == ["unknown metric 'acuracy'; did you mean 'accuracy'?"]


def test_the_bodies_that_the_readme_sends_by_curl_are_results() -> None:
    sent = [words for words in commands("curl") if words[-3].endswith("/observations")]
    assert len(sent) == 1
    *options, url, _, body = sent[0]
    experiment_id = url.split("/")[-2]
    key = options[-1].removeprefix("Idempotency-Key: ")
    document = {**json.loads(body), "experiment": experiment_id, "result_id": key}
    check("result-message", document)
    assert taken(document).result_id == "worker-3/trial-10"


def test_the_python_programs_of_the_readme_send_what_the_contract_says(
    redis: redis_client.Redis, redis_url: str
) -> None:
    names: dict[str, Any] = {}
    for program in blocks("python"):
        exec(compile(program.replace("redis://127.0.0.1:8322/0", redis_url), "README.md", "exec"), names)
    messages = [json.loads(fields[b"data"]) for _, fields in redis.xrange(STREAM)]
    assert len(messages) == 2
    for message in messages:
        check("result-message", message)
        assert taken(message).result_id == message["result_id"]
    _check_celery(redis)
    _check_receiver(names["receive"])


def _check_celery(redis: redis_client.Redis) -> None:
    """The one message that waits in Celery's queue is the task with the document as its keyword arguments."""
    (text,) = redis.lrange("tradespace", 0, -1)
    message = json.loads(text)
    positional, keywords, _ = json.loads(base64.b64decode(message["body"]))
    sent = {
        "task": message["headers"]["task"],
        "queue": message["properties"]["delivery_info"]["routing_key"],
        "serializer": message["content-type"].removeprefix("application/"),
        "args": positional,
        "kwargs": keywords,
    }
    check("celery-submit-result", sent)
    assert taken(keywords).result_id == "worker-3/trial-11"


def _check_receiver(receive: Any) -> None:
    """The receiver of the README takes what we sign, and nothing else."""
    secret = new_secret()
    body = blocks("json", "webhook-front-changed")[0]
    headers = signed_headers([secret], message_id="msg_1", at=datetime.now(UTC), body=body)
    assert receive(body.encode(), headers, secret)["sequence"] == 341
    with pytest.raises(Exception, match="signature"):
        receive(body.replace("341", "342").encode(), headers, secret)


@pytest.mark.parametrize(("name", "text"), [(label, text) for kind, label, text in BLOCKS if kind == "json"])
def test_the_json_examples_of_the_readme_fit_their_schemas(name: str, text: str) -> None:
    check(name, json.loads(text))
