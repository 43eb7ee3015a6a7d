"""The only file that knows the environment: every setting, its default, and what it is for."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from service.errors import InvalidInputError, did_you_mean

__all__ = ["PREFIX", "Settings"]

PREFIX: Final = "TRADESPACE_"
#: What producers read (the client's address and token); they may share an environment with us.
_OF_CLIENTS: Final = frozenset(("URL", "TOKEN"))
#: Characters of a key: 32 hexadecimal ones have 128 bits.
_SHORTEST_KEY: Final = 32


class Settings(BaseModel):
    """Every setting, read once at the door and then handed on.

    A variable `TRADESPACE_X_FILE` names a file that holds the value of `TRADESPACE_X`: secrets need not stand in
    the environment.

    >>> Settings.from_env({"TRADESPACE_POOL_SIZE": "8"}).pool_size
    8
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = Field("sqlite:///var/tradespace.db", description="SQLAlchemy address of the database")
    redis_url: str = Field("redis://127.0.0.1:8322/0", description="Redis or Valkey that holds the result stream")
    broker_url: str | None = Field(None, description="Redis or Valkey for Celery's wake-ups; redis_url if not set")
    admin_token: str | None = Field(
        None, min_length=16, description="the first admin token, instead of one made at random"
    )
    secret_keys: str | None = Field(
        None, description="comma-separated keys that encrypt the secrets of webhooks: the first encrypts, all decrypt"
    )
    pool_size: int = Field(4, ge=1, le=64, description="suggestions kept ready for each experiment, at the least")
    suggestion_wait_s: float = Field(
        2.0, ge=0, le=30, description="how long a request may wait for a pool that has seen the newest result"
    )
    webhook_allow_hosts: str = Field(
        "", description="comma-separated hosts that webhooks may reach although they are private (tests, demos)"
    )
    files_dir: str = Field("var/files", description="folder that holds the files of training runs")
    largest_file_mb: int = Field(32, ge=1, le=4096, description="mebibytes that one file of a training run may have")
    files_mb_per_client: int = Field(4096, ge=1, description="mebibytes that all files of a client's runs may have")
    reader: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}",
        min_length=1,
        max_length=100,
        description="this ingester's own name; one that survives a restart takes up its unfinished batch at once",
    )
    limit_reads_per_s: int = Field(1000, ge=0, description="GET requests a second that a token may send; 0: no limit")
    limit_writes_per_s: int = Field(500, ge=0, description="other requests a second that a token may send; 0: no limit")
    limit_logins: int = Field(5, ge=0, description="sign-ins in ten minutes from one address; 0: no limit")
    cors_origins: str = Field(
        "*", description="comma-separated origins whose scripts may use the API with a token; * for any, empty for none"
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="proxies whose X-Forwarded-For, -Proto, -Host and -Prefix are believed"
    )
    history_days: int = Field(
        90, ge=0, description="days after which events, deliveries of webhooks and ended tokens are cleared; 0: never"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, keys: str | None) -> str | None:
        """Refuse a key that could be guessed. The message has nothing of it."""
        if keys is not None and any(len(key) < _SHORTEST_KEY for key in _parts(keys) or [""]):
            raise ValueError(f"each key must have {_SHORTEST_KEY} characters at the least")
        return keys

    @property
    def each_secret_key(self) -> list[str]:
        """The keys of `secret_keys`, in their order."""
        return _parts(self.secret_keys or "")

    @property
    def celery_broker_url(self) -> str:
        """Where Celery's messages go."""
        return self.broker_url or self.redis_url

    @property
    def allowed_private_hosts(self) -> frozenset[str]:
        """The hosts of `webhook_allow_hosts`."""
        return frozenset(_parts(self.webhook_allow_hosts))

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins of `cors_origins`."""
        return frozenset(_parts(self.cors_origins))

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from `environ`; raise `InvalidInputError` that names the variable that is wrong."""
        given = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        values = dict(_one(name, value) for name, value in given.items() if name not in _OF_CLIENTS)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + ".".join(str(part) for part in first["loc"]).upper()
            raise InvalidInputError(f"{name}: {first['msg']}", field=name) from error


def _parts(text: str) -> list[str]:
    """Return what stands between the commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _one(name: str, value: str) -> tuple[str, str]:
    """Return the field and value that variable `name` sets."""
    known = Settings.model_fields
    field = name.lower()
    if field in known:
        return field, value
    if field.removesuffix("_file") in known:
        return field.removesuffix("_file"), Path(value).read_text(encoding="utf-8").strip()
    hint = did_you_mean(PREFIX + name, (PREFIX + field.upper() for field in known))
    raise InvalidInputError(f"unknown setting {PREFIX}{name}{hint}", field=PREFIX + name)
