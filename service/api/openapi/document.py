"""The OpenAPI document, made from the routes, the views' words and scopes, the models that parse bodies, and tables."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from service.api.auth import guard_of
from service.api.openapi import parameters
from service.api.openapi.components import COMPONENTS
from service.api.openapi.links import add_links
from service.api.openapi.operation import Operation
from service.api.openapi.operations import OPERATIONS, PATHS
from service.api.openapi.shapes import Schema, example_of, paged, ref, thing
from service.api.openapi.tags import GROUPS, TAGS
from service.api.problems import MEDIA_TYPE, PROBLEMS, Problem

__all__ = ["described_rules", "document"]

_SCHEMAS: Final = "#/components/schemas/{model}"
#: OpenAPI 3.1 knows no other methods; MERGE is told the way 3.2 tells of such.
_METHODS: Final = ("get", "put", "post", "delete", "patch")
_SILENT: Final = frozenset(("HEAD", "OPTIONS"))
#: What any request may be answered with, and what comes with a token, with a body, with a change.
_ANY: Final = (400, 500, 503)
_WITH_TOKEN: Final = (401, 403, 404, 429)
_WITH_BODY: Final = (413,)
_OF_METHOD: Final[Mapping[str, tuple[int, ...]]] = {
    "GET": (),
    "POST": (409, 422),
    "PUT": (409, 412),
    "MERGE": (409, 412),
    "DELETE": (409, 412),
}
_LEADING: Final = """\
Tradespace finds the next configuration to try when several metrics pull against each other. It speaks the API of
SigOpt, whose client works against it unchanged, and goes on where that stopped.

A token goes as user name of HTTP Basic (no password) or as Bearer. Success is 200; ids are strings of digits; times are
seconds since 1970. Lists come newest first in pages, with markers in `paging` and links in the header `Link`. A refusal
has `message` and `status` as SigOpt's clients read them, and the members of RFC 9457 beside; its `type` is the address
of a page about it. SigOpt's verb `MERGE` stands under `x-additionalOperations`, since OpenAPI 3.1 has no word for it.
"""


def document(app: Flask, *, version: str) -> dict[str, Any]:
    """Return the document for the routes of `app`."""
    rules = described_rules(app)
    bodies = sorted({body for body in map(_model, OPERATIONS.values()) if body}, key=lambda body: body.__name__)
    schemas = {**_of_models(bodies), **COMPONENTS, **_pages()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tradespace",
            "version": version,
            "summary": "Multi-metric optimization as a service",
            "description": _LEADING,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": words} for tag, words in TAGS.items()],
        "paths": _paths(app, rules, schemas),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "parameters": parameters.COMPONENTS,
            "responses": _problems(),
            "headers": _HEADERS,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "The token as user name, no password."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "The token."},
            },
        },
        "security": [{"basic": []}, {"bearer": []}],
    }


def _model(operation: Operation) -> type[BaseModel] | None:
    return operation.body if inspect.isclass(operation.body) else None


def described_rules(app: Flask) -> list[Rule]:
    """Return the routes of the API, which are those that the document has to describe."""
    found = (rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/") or rule.rule in PATHS)
    return sorted(found, key=lambda rule: (rule.rule, rule.endpoint))


def _of_models(models: Iterable[type[BaseModel]]) -> dict[str, Schema]:
    """Return the schemas of the models and of what they contain, by names without underscores and dots."""
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=_SCHEMAS)
    schemas: dict[str, Schema] = found.get("$defs", {})
    names = _names(schemas)
    text = json.dumps(schemas)
    for old, new in names.items():
        text = text.replace(f'"#/components/schemas/{old}"', f'"#/components/schemas/{new}"')
    return {names[old]: schema for old, schema in json.loads(text).items()}


def _names(schemas: Iterable[str]) -> dict[str, str]:
    """Give every model a name of its own, also beside the objects that are answered, whatever the case of letters."""
    taken = {_plain(name) for name in COMPONENTS}
    names: dict[str, str] = {}
    for old in sorted(schemas, key=lambda name: (name.startswith("_"), len(name), name)):
        *path, last = [part for part in re.split(r"_{2,}|\.", old.replace("-Input", "")) if part]
        simple = last.strip("_")
        within = f"{path[-1].title()}{simple}" if path else f"{simple}Input"
        names[old] = next(name for name in (simple, within, f"{within}Input") if _plain(name) not in taken)
        taken.add(_plain(names[old]))
    return names


def _plain(name: str) -> str:
    """Return what is left of a name in any language."""
    return name.lower().replace("_", "")


def _pages() -> dict[str, Schema]:
    items = {operation.page for operation in OPERATIONS.values() if operation.page}
    return {f"page_of_{item}": paged(item) for item in sorted(items)}


def _paths(app: Flask, rules: Sequence[Rule], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    taken: set[str] = set()
    for rule in sorted(rules, key=lambda rule: rule.rule.count("/")):  # of twins the plainer path has the plain name
        item = paths.setdefault(_address(rule), {"parameters": _of_path(rule)})
        for method in sorted((rule.methods or set()) - _SILENT):
            told = _told(app, rule, method, schemas)
            told["operationId"] = _unique(told["operationId"], rule, method, taken)
            if method.lower() in _METHODS:
                item[method.lower()] = told
            else:
                item.setdefault("x-additionalOperations", {})[method] = told
    add_links(paths)
    return {path: {name: part for name, part in item.items() if part} for path, item in sorted(paths.items())}


def _address(rule: Rule) -> str:
    """Return the path as OpenAPI writes it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _of_path(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS.get(name, _AN_ID)}
        for name in re.findall(r"{(\w+)}", _address(rule))
    ]


_AN_ID: Final = {"schema": {"type": "string", "pattern": "^[0-9]+$", "examples": ["12"]}}
_A_WORD: Final = {"schema": {"type": "string", "minLength": 1}}
_PATH_PARAMETERS: Final[Mapping[str, dict[str, Any]]] = {
    "project_id": {"schema": {"type": "string", "pattern": "^[a-z0-9_.-]{1,32}$", "examples": ["churn"]}},
    "token": {"description": "The token itself, its id, its prefix, or `self`.", **_A_WORD},
    "_rest": _A_WORD,
    "upload_key": _A_WORD,
}


def _unique(name: str, rule: Rule, method: str, taken: set[str]) -> str:
    """Tell twins apart: the same view under another path, or for another method."""
    parts = [part for part in rule.rule.split("/")[2:] if not part.startswith("<")] or ["service"]
    whole = re.sub(r"\W+", "_", _address(rule)).strip("_")
    verb = method.lower()
    for candidate in (
        name,
        f"{name}_of_{parts[0]}",
        f"{name}_of_{'_'.join(parts)}",
        f"{name}_{verb}",
        f"{name}_{verb}_{whole}",
    ):
        if candidate not in taken:
            taken.add(candidate)
            return candidate
    raise LookupError(f"no name is left for {method} {rule.rule}")


def _told(app: Flask, rule: Rule, method: str, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    guard, operation = guard_of(view), OPERATIONS.get(rule.endpoint, Operation())
    summary, _, rest = (inspect.getdoc(view) or "").partition("\n")
    told: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": summary,
        "description": _description(rest, None if guard is None else guard.scope),
        "tags": [GROUPS.get(rule.endpoint.partition(".")[0], "Service")],
        "parameters": _parameters(operation, method, has_token=guard is not None),
        "responses": _responses(operation, method, has_token=guard is not None, schemas=schemas),
        **operation.facts,
    }
    if guard is None:
        told["security"] = []
    elif guard.scope:
        told["x-scope"] = guard.scope
    if (operation.body is not None or operation.takes) and method in ("POST", "PUT", "MERGE"):
        told["requestBody"] = _body(operation, schemas)
    return told


def _description(rest: str, scope: str | None) -> str:
    needs = "" if scope is None else f"Needs a token with scope `{scope}`." if scope else "Any token will do."
    return "\n\n".join(part for part in (rest.strip(), needs) if part)


def _parameters(operation: Operation, method: str, *, has_token: bool) -> list[Mapping[str, Any]]:
    once = (parameters.IDEMPOTENCY_KEY,) if has_token else ()  # a key belongs to a client
    common: dict[str, tuple[Mapping[str, Any], ...]] = {
        "GET": (parameters.FIELDS, parameters.IF_NONE_MATCH),
        "POST": (parameters.FIELDS, *once, parameters.SKIP),
        "PUT": (parameters.FIELDS, parameters.IF_MATCH, parameters.SKIP),
        "MERGE": (parameters.FIELDS, parameters.IF_MATCH, parameters.SKIP),
        "DELETE": (parameters.IF_MATCH, parameters.SKIP),
    }
    plain = not operation.media and not operation.refuses
    return [*operation.query, *(common[method] if plain else ()), parameters.REQUEST_ID]


def _body(operation: Operation, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    if operation.takes:
        return {"content": {kind: {"schema": schema} for kind, schema in operation.takes.items()}, "required": True}
    model = _model(operation)
    schema = cast("Schema", operation.body) if model is None else ref(model.__name__)
    example = example_of(schema, schemas) if operation.example is None else operation.example
    content = {"schema": schema, "example": example}
    return {"content": {"application/json": content}, "required": bool(_required(schema, schemas))}


def _required(schema: Schema, schemas: Mapping[str, Schema]) -> Sequence[str]:
    """Return the keys that a body must have; without any, nothing is a body too."""
    there = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return cast("Sequence[str]", there.get("required", ()))


def _responses(operation: Operation, method: str, *, has_token: bool, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    statuses = {*_ANY, *_OF_METHOD[method], *operation.errors}
    statuses |= set(_WITH_TOKEN) if has_token else set()
    statuses |= set(_WITH_BODY) if operation.body is not None or operation.takes else set()
    statuses -= set(operation.others)
    if operation.refuses:
        good: dict[str, Any] = {}
        statuses.add(operation.refuses)
    else:
        good = _good(operation, method, schemas)
    for status, name in operation.others.items():
        content = {"application/json": {"schema": ref(name), "example": example_of(ref(name), schemas)}}
        good[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return {**good, **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}}


def _good(operation: Operation, method: str, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    if operation.media:
        return {"200": {"description": "Done.", "headers": headers, "content": {kind: {} for kind in operation.media}}}
    names = [name for name in (operation.reply, operation.page and f"page_of_{operation.page}") if name]
    schemes = [ref(name) for name in names] or [thing(None, "Nothing to say.")]
    schema = schemes[0] if len(schemes) == 1 else {"anyOf": schemes}
    content = {"schema": schema, "example": example_of(schema, schemas)}
    if operation.page:
        headers["Link"] = {"$ref": "#/components/headers/Link"}
    if method == "GET":
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    good = {"200": {"description": "Done.", "headers": headers, "content": {"application/json": content}}}
    if method == "GET":
        good["304"] = {"description": "The copy that you have is current."}
    return {**good, "204": {"description": "Done; nothing is said, as you asked."}}


_HEADERS: Final = {
    "X-Request-Id": {"description": "The name of this request in the service's log.", "schema": {"type": "string"}},
    "ETag": {"description": "Which state this shows.", "schema": {"type": "string"}},
    "Link": {"description": "The next and the previous page (RFC 8288).", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}


def _problems() -> dict[str, Any]:
    """Return a response for each status that a refusal may have, with an example of each kind of it."""
    found: dict[int, list[Problem]] = {}
    for kind in PROBLEMS.values():
        found.setdefault(kind.status, []).append(kind)
    return {str(status): _problem(status, kinds) for status, kinds in sorted(found.items())}


def _problem(status: int, kinds: Sequence[Problem]) -> dict[str, Any]:
    schema = ref("problem")
    examples = {kind.code: {"summary": kind.title, "value": _problem_example(kind)} for kind in kinds}
    told: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}. " + " ".join(f"{kind.title}: {kind.help}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }
    if status in (429, 503):
        told["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return told


def _problem_example(kind: Problem) -> dict[str, Any]:
    return {
        "message": kind.title,
        "status": kind.status,
        "code": kind.code,
        "type": f"/problems/{kind.code}",
        "title": kind.title,
        "detail": kind.title,
        "instance": "/requests/0b1c2d3e4f",
        "errors": [{"message": kind.title, "detail": kind.title}],
    }
