"""Every reply that a test of the API gets is held against the document: status, media type, shape, no key too many.

What is new is told in service/api/openapi (operations/ and components/), and then `make openapi`.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

__all__ = ["check_described"]

#: That of the code, as tests/service/api/test_openapi.py sees to.
COMMITTED = Path(__file__).parents[3] / "docs" / "contracts" / "openapi.json"
#: What holds keys that nobody knows beforehand.
OPEN = frozenset(("model", "nothing"))


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return document


def check_described(app: Flask, reply: TestResponse, *, is_whole: bool = True) -> None:
    """Fail if the document tells of this operation and not of this reply. `is_whole`: no `fields` were asked for."""
    told = _operation(app, reply)
    if told is None:
        return
    where, status = f"{reply.request.method} {reply.request.path}", str(reply.status_code)
    assert status in told["responses"], f"{where}: {status} is undocumented: {reply.text}"
    response = told["responses"][status]
    if "$ref" in response:
        response = _document()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response.get("content", {})
    if not content:
        assert reply.data == b"", where
        return
    assert reply.mimetype in content, f"{where}: {reply.mimetype} is undocumented"
    schema = content[reply.mimetype].get("schema")
    if schema is not None and is_whole:
        errors = [
            f"{error.message} at {error.instance_path}"
            for error in _validator(json.dumps(schema)).iter_errors(reply.json)
        ]
        assert not errors, f"{where}: {errors[:3]}"


def _operation(app: Flask, reply: TestResponse) -> dict[str, Any] | None:
    try:
        rule, _ = app.url_map.bind("localhost").match(reply.request.path, reply.request.method, return_rule=True)
    except HTTPException:
        return None
    item = _document()["paths"].get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {})
    method = reply.request.method
    told: dict[str, Any] | None = item.get(method.lower(), item.get("x-additionalOperations", {}).get(method))
    return told


@cache
def _closed() -> dict[str, Any]:
    """The schemas of what is answered, such that nothing undescribed fits."""
    components = copy.deepcopy(_document()["components"]["schemas"])
    for name, schema in components.items():
        if name not in OPEN:
            _close(schema)
    return components


def _close(schema: Any) -> None:
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    for part in parts:
        _close(part)


@cache
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for({**json.loads(schema), "components": {"schemas": _closed()}})
