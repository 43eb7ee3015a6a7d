"""Behind a proxy that has the service under a path, addresses in replies lead back through the proxy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from flask import Flask
from werkzeug.test import TestResponse

from tests.service.api.conftest import Api

BEHIND = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tune.example", "X-Forwarded-Prefix": "/api"}
BODY = {
    "name": "runs",
    "parameters": [{"name": "x", "type": "double", "bounds": {"min": 0, "max": 1}}],
    "metrics": [{"name": "accuracy"}],
}
FILE = {
    "name": "a",
    "filename": "a.png",
    "content_type": "image/png",
    "content_length": 3,
    "content_md5": base64.b64encode(hashlib.md5(b"abc", usedforsecurity=False).digest()).decode(),
}


def behind(api: Api, make_app: Callable[..., Flask], proxies: int) -> tuple[TestResponse, TestResponse]:
    """The replies to a request for an AI experiment by its plain address, and to the first word of an upload."""
    api.app = make_app(trusted_proxies=proxies)
    client = f"/v1/clients/{api.get('/v1/sessions').json['client']['id']}"  # type: ignore[index]
    api.post(f"{client}/projects", {"id": "p", "name": "p"})
    made = api.post(f"{client}/projects/p/aiexperiments", BODY).json
    assert made is not None
    run = api.post(f"/v1/aiexperiments/{made['id']}/training_runs", {"name": "one"}).json
    assert run is not None
    moved = api.get(f"/v1/experiments/{made['id']}", headers=BEHIND)
    return moved, api.post(f"/v1/training_runs/{run['id']}/files", FILE, headers=BEHIND)


def test_a_trusted_proxy_says_under_which_path_the_service_lies(api: Api, make_app: Callable[..., Flask]) -> None:
    moved, file = behind(api, make_app, 1)
    assert (moved.status_code, moved.headers["Location"]) == (301, "/api/v1/aiexperiments/1")
    upload = file.json["upload"]  # type: ignore[index]
    assert upload["url"].startswith("https://tune.example/api/v1/files/1/content?")
    sent = {**upload["headers"], "Content-Length": "3"}
    local = upload["url"].removeprefix("https://tune.example/api")
    reply = api.app.test_client().put(local, data=b"abc", headers={**sent, **BEHIND})
    assert reply.status_code == 200, reply.text


def test_nobody_else_is_believed(api: Api, make_app: Callable[..., Flask]) -> None:
    moved, file = behind(api, make_app, 0)
    assert moved.headers["Location"] == "/v1/aiexperiments/1"
    assert "/api/" not in file.json["upload"]["url"]  # type: ignore[index]
