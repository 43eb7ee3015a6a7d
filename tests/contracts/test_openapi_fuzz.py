"""The API is what its document says, for what the document allows and for what it does not: on a real server.

schemathesis makes the requests and holds every reply against the document, all of its checks on. Here each operation
gets one of each; `make fuzz` (openapi_fuzz.py) sends thousands, and every edge of every schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from tests.contracts.fuzzed import COMMITTED, REFUSED, TAKEN_OR_TOLD, Server, document_of

DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
METHODS = ("get", "put", "post", "delete")
OPERATIONS = [
    f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item
]
CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {"expected-statuses": list(TAKEN_OR_TOLD)},
            "negative_data_rejection": {"expected-statuses": list(REFUSED)},
        }
    }
)
FEW = settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    template, redis_url = request.getfixturevalue("sqlite_template"), request.getfixturevalue("valkey_server")
    running = Server(tmp_path_factory.mktemp("fuzz"), template, redis_url)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def schema(server: Server) -> Any:
    return schemathesis.openapi.from_dict(document_of(server), config=CONFIG)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_what_the_document_says(schema: Any, server: Server, operation: str) -> None:
    method, _, path = operation.partition(" ")
    told = schema[path][method]

    def check(case: Any) -> None:
        case.call_and_validate(base_url=str(server.http.base_url), headers={"Authorization": f"Bearer {server.token}"})

    FEW(given(told.as_strategy(generation_mode=GenerationMode.POSITIVE))(check))()
    try:
        FEW(given(told.as_strategy(generation_mode=GenerationMode.NEGATIVE))(check))()
    except Unsatisfiable:
        assert "requestBody" not in DOCUMENT["paths"][path][method.lower()]  # whatever is sent is allowed
