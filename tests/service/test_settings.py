"""Settings come from the environment, and one that is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import InvalidInputError
from service.settings import Settings


def test_what_is_not_set_has_a_default() -> None:
    settings = Settings.from_env({"PATH": "/bin", "TRADESPACE_TOKEN": "a client's", "TRADESPACE_URL": "a client's"})
    assert settings.pool_size == 4
    assert settings.celery_broker_url == settings.redis_url
    assert settings.model_fields_set == set()


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret-s3cret-s3cret\n")
    assert (
        Settings.from_env({"TRADESPACE_ADMIN_TOKEN_FILE": str(tmp_path / "token")}).admin_token
        == "s3cret-s3cret-s3cret"
    )


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TRADESPACE_ADMIN_TOKEN": ""}, "TRADESPACE_ADMIN_TOKEN: String should have at least 16 characters"),
        ({"TRADESPACE_SECRET_KEYS": ""}, "TRADESPACE_SECRET_KEYS: Value error, each key must have 32 characters"),
        ({"TRADESPACE_SECRET_KEYS": f"{'k' * 32},short"}, "TRADESPACE_SECRET_KEYS: Value error, each key must have 32"),
        ({"TRADESPACE_POOL_SIZ": "3"}, "did you mean 'TRADESPACE_POOL_SIZE'?"),
        ({"TRADESPACE_POOL_SIZE": "many"}, "TRADESPACE_POOL_SIZE"),
        ({"TRADESPACE_SUGGESTION_WAIT_S": "-1"}, "TRADESPACE_SUGGESTION_WAIT_S"),
        ({"TRADESPACE_LOG_LEVEL": "LOUD"}, "TRADESPACE_LOG_LEVEL"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        Settings.from_env(environ)
    assert words in refused.value.message


def test_each_allowed_host_is_listed() -> None:
    settings = Settings.from_env({"TRADESPACE_WEBHOOK_ALLOW_HOSTS": "127.0.0.1, hooks.internal"})
    assert settings.allowed_private_hosts == {"127.0.0.1", "hooks.internal"}
