"""Scripts of other sites may use the API with a token, from the origins that the settings name, and never a cookie."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.service.api.conftest import Api

HERE = "https://app.example"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """On SQLite alone: no database has a say in this."""
    shutil.copy(sqlite_template, tmp_path / "tradespace.db")
    return f"sqlite:///{tmp_path / 'tradespace.db'}"


@pytest.mark.parametrize(
    ("origins", "asked", "allowed"),
    [
        ("*", HERE, "*"),
        (f"{HERE}, https://other.example", HERE, HERE),
        ("https://other.example", HERE, None),
        ("", HERE, None),
        (HERE, None, None),
    ],
)
def test_an_origin_is_allowed_as_the_settings_say(
    make_app: Callable[..., Flask], api: Api, origins: str, asked: str | None, allowed: str | None
) -> None:
    here = Api(make_app(cors_origins=origins), api.database, api.secret)
    headers = {} if asked is None else {"Origin": asked}
    for reply in (
        here.get("/v1/experiments", headers=headers),
        here.call("OPTIONS", "/v1/experiments", headers={**headers, "Access-Control-Request-Method": "MERGE"}),
        here.get("/v1/experiments/999", headers=headers),
    ):
        assert reply.headers.get("Access-Control-Allow-Origin") == allowed
        assert ("MERGE" in reply.headers.get("Access-Control-Allow-Methods", "")) is (allowed is not None)
        assert "Access-Control-Allow-Credentials" not in reply.headers
        assert ("Origin" in reply.headers.get("Vary", "")) is (origins != "*")


def test_pages_are_not_for_scripts_of_other_sites(api: Api) -> None:
    for path in ("/", "/login", "/livez"):
        assert "Access-Control-Allow-Origin" not in api.get(path, headers={"Origin": HERE}).headers
