"""The verb MERGE, for which OpenAPI 3.1 has no word, is fuzzed by hand: whatever is told of a run is taken or refused.

The bodies are drawn from what a run may say, from what it may not, and from anything at all in its places. To say the
same twice is to say it once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.schemas.run import DOCUMENT, RunBody
from tests.contracts.fuzzed import Server

BOUNDED = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")),
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TAKEN_OR_TOLD = (200, 400, 403, 404, 409, 413)

text = st.text(max_size=20)
keys = st.sampled_from(["a", "b.c", "{}", "'\"\\", "é"]) | st.text(min_size=1, max_size=6)
numbers = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)
odd_keys = keys | st.sampled_from(["", "x" * 101])
anything = st.recursive(
    st.none() | st.booleans() | numbers | text | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_keys, inner, max_size=3),
    max_leaves=6,
)


def named(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What people name; null takes a name away."""
    return st.dictionaries(keys, st.none() | of, max_size=3)


value = st.fixed_dictionaries({"value": numbers}, optional={"value_stddev": st.none() | st.floats(0, 1e9)})
scalar = numbers | text
FITTING: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("assignments", "metadata", "dev_metadata"), named(scalar)),
    "assignments_meta": named(st.fixed_dictionaries({"source": st.text(min_size=1, max_size=30)})),
    "datasets": named(st.just({})),
    "logs": named(st.fixed_dictionaries({"content": text})),
    "values": named(value),
    "model": st.fixed_dictionaries({}, optional={"type": text}),
    "source_code": st.fixed_dictionaries({}, optional={"content": text, "hash": text}),
    "state": st.sampled_from(["active", "completed", "failed"]),
    "name": st.text(min_size=1, max_size=100),
    "favorite": st.booleans(),
    "deleted": st.booleans(),
}
NAMES = sorted({*DOCUMENT, *RunBody.model_fields, "unknown"})


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Up to three names: four in five with what fits them, the others with anything."""
    body = {}
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3)):
        fits = name in FITTING and draw(st.integers(0, 4)) > 0
        body[name] = draw(FITTING[name] if fits else anything)
    return body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    template, redis_url = request.getfixturevalue("sqlite_template"), request.getfixturevalue("valkey_server")
    running = Server(tmp_path_factory.mktemp("merge"), template, redis_url)
    yield running
    running.stop()
    log = running.log.read_text(encoding="utf-8")
    assert "unexpected error" not in log, log[-4000:]


def runs_of(server: Server) -> list[str]:
    """A run by itself, and one of an experiment, whose end makes an observation."""
    started = server.http.post(f"/v1/aiexperiments/{server.ai}/training_runs", json={"name": "of an experiment"})
    return [f"/v1/training_runs/{key}" for key in (server.paths["training_run_id"], started.json()["id"])]


def merge(server: Server, path: str, body: bytes) -> httpx.Response:
    reply = server.http.request("MERGE", path, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code in TAKEN_OR_TOLD, (reply.status_code, reply.text, body)
    assert isinstance(reply.json(), dict)
    return reply


def test_whatever_is_merged_is_taken_or_refused_and_to_say_it_twice_is_to_say_it_once(server: Server) -> None:
    paths = runs_of(server)

    @BOUNDED
    @given(st.sampled_from(paths), bodies())
    def check(path: str, body: dict[str, Any]) -> None:
        sent = json.dumps(body).encode()
        before = server.http.get(path).json()
        first = merge(server, path, sent)
        after = server.http.get(path).json()
        if first.status_code != 200:
            assert after == before
            assert first.json()["message"]
            return
        again = merge(server, path, sent).json()
        moving = dict.fromkeys(("updated", "completed"), None)
        assert {**again, **moving} == {**first.json(), **moving} == {**after, **moving}

    check()


def test_what_is_no_json_object_is_refused(server: Server) -> None:
    (path, _) = runs_of(server)

    @BOUNDED
    @given(st.binary(max_size=30) | anything.filter(lambda value: not isinstance(value, dict)))
    def check(body: Any) -> None:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = merge(server, path, sent)
        assert reply.status_code == (400 if sent else 200)

    check()
