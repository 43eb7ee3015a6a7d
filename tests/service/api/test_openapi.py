"""The document describes every route, is valid, has examples that are taken, and is the one that is committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from service.api import openapi
from service.api.openapi.operations import OPERATIONS
from service.api.openapi.tags import GROUPS, TAGS
from service.api.problems import PROBLEMS
from service.app import create_app
from service.settings import Settings
from tests.factories import NO_REDIS

COMMITTED = Path(__file__).parents[3] / "docs" / "contracts" / "openapi.json"


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(Settings(database_url="postgresql://nowhere/none", redis_url=NO_REDIS))


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    return openapi.described_by(app)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        whole = {**item, **item.get("x-additionalOperations", {})}
        for method, told in whole.items():
            if method not in ("parameters", "x-additionalOperations"):
                yield f"{method} {path}", told


def problems_of(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    registry = Registry().with_resource("doc:", Resource.from_contents(document, default_specification=DRAFT202012))
    text = json.dumps(schema).replace('"#/components', '"doc:#/components')
    validator = Draft202012Validator(json.loads(text), registry=registry)
    return [error.message for error in validator.iter_errors(value)]


def test_every_route_is_described_and_nothing_that_is_none(app: Flask) -> None:
    views = {rule.endpoint for rule in openapi.described_rules(app)}
    assert sorted(views - set(OPERATIONS)) == []
    assert sorted(set(OPERATIONS) - views) == []


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()


def test_the_committed_document_is_that_of_the_code(app: Flask) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == openapi.as_text(app), "run make openapi"


def test_operations_have_names_of_their_own_words_and_a_way_to_fail(document: dict[str, Any]) -> None:
    told = dict(operations(document))
    names = [operation["operationId"] for operation in told.values()]
    assert len(set(names)) == len(names)
    for where, operation in told.items():
        assert operation["summary"].endswith("."), where
        assert {"400", "500"} <= set(operation["responses"]), where


def test_every_example_is_an_example(document: dict[str, Any]) -> None:
    seen = 0
    for where, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in [media for body in bodies for media in body.get("content", {}).values()]:
            if "example" in content:
                seen += 1
                assert problems_of(document, content["schema"], content["example"]) == [], where
    for response in document["components"]["responses"].values():
        for content in response["content"].values():
            for example in content["examples"].values():
                assert problems_of(document, content["schema"], example["value"]) == []
    assert seen > 80


def test_every_example_of_a_body_is_taken_by_its_model() -> None:
    for name, operation in OPERATIONS.items():
        if isinstance(operation.body, type) and issubclass(operation.body, BaseModel):
            assert operation.example, name
            operation.body.model_validate(operation.example)


def test_every_part_of_the_api_stands_in_a_group(app: Flask) -> None:
    parts = {rule.endpoint.partition(".")[0] for rule in openapi.described_rules(app)}
    assert sorted(parts - set(GROUPS)) == []
    assert set(GROUPS.values()) == set(TAGS)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    parts = json.dumps(document).split('"$ref": "#/')[1:]
    for reference in {part.partition('"')[0] for part in parts}:
        found: Any = document
        for step in reference.split("/"):
            found = found[step]


def test_every_refusal_stands_in_the_document(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]
    for problem in PROBLEMS.values():
        examples = responses[str(problem.status)]["content"]["application/problem+json"]["examples"]
        assert examples[problem.code]["value"]["type"] == f"/problems/{problem.code}"


def test_the_document_and_its_pages_ask_for_no_token(app: Flask, document: dict[str, Any]) -> None:
    client = app.test_client()
    assert client.get("/openapi.json").json == document
    assert b"swagger-ui-bundle.js" in client.get("/docs").data
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        with client.get(f"/docs/{name}") as file:
            assert file.status_code == 200
    assert client.get("/docs/other.js").status_code == 404
    assert b"no_such" not in client.get("/problems").data


@pytest.mark.parametrize("code", PROBLEMS)
def test_the_type_of_a_problem_leads_to_a_page_about_it(app: Flask, code: str) -> None:
    page = app.test_client().get(f"/problems/{code}")
    assert page.status_code == 200
    assert PROBLEMS[code].title.encode() in page.data.replace(b"&#39;", b"'")
