"""`tradespace doctor`: is everything there that is needed, and what to do about what is not."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from service import embedded
from service.cli.keys import held
from service.cli.shared import json_option, read_settings, say, show_json
from service.sealing import KEY_FILE
from service.settings import Settings

__all__ = ["COMMANDS"]

_MARKS: Final = {"ok": "ok     ", "warning": "WARNING", "failure": "FAILURE"}


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Data folder of a system that `tradespace up` runs.",
)
@click.option(
    "--redis-port",
    default=8322,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="With --data: that of its Valkey.",
)
@json_option
def doctor(data: Path | None, redis_port: int, as_json: bool) -> None:
    """Look at everything the service stands on, and say what to do about what is wrong.

    That is: the settings, the database and its schema, the secrets of webhooks, Redis with its stream and persistence,
    ingesters, relay, workers, clocks and disk space, as the TRADESPACE_… variables of this shell name them. For a
    system that `tradespace up` started, give --data and --redis-port as they were given to it, or run it in the same
    folder. Ends with status 1 if anything fails; a warning alone does not.
    """
    from service.cli.checks import examine, shown_settings  # noqa: PLC0415 Celery, for which no other command should wait

    settings = read_settings() if data is None else _settings_of(data, redis_port)
    findings = examine(settings)
    failed = any(finding.status == "failure" for finding in findings)
    if as_json:
        show_json(
            {
                "healthy": not failed,
                "settings": shown_settings(settings),
                "findings": [asdict(finding) for finding in findings],
            }
        )
    else:
        for name in sorted(settings.model_fields_set):
            variable = f"TRADESPACE_{name.upper()}"
            say(f"setting  {variable}={shown_settings(settings)[variable]}")
        for finding in findings:
            say(f"{_MARKS[finding.status]}  {finding.check}: {finding.message}")
            if finding.remedy:
                say(f"         -> {finding.remedy}")
    sys.exit(1 if failed else 0)


def _settings_of(data: Path, redis_port: int) -> Settings:
    """Return the settings of the system in a folder, with the key that it made there."""
    settings = embedded.located(read_settings(), data, redis_port)
    key = data / KEY_FILE
    if settings.secret_keys or not key.exists():
        return settings
    return settings.model_copy(update={"secret_keys": ",".join(held(key))})


COMMANDS: Final = (doctor,)
