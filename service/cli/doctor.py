"""`tradespace doctor`: is everything there that is needed, and what to do about what is not."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Final

import click

from service.cli.shared import json_option, read_settings, say, show_json

__all__ = ["COMMANDS"]

_MARKS: Final = {"ok": "ok     ", "warning": "WARNING", "failure": "FAILURE"}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Look at everything the service stands on, and say what to do about what is wrong.

    That is: the settings, the database and its schema, the secrets of webhooks, Redis with its stream and persistence,
    ingesters, relay, workers, clocks and disk space, as the TRADESPACE_… variables of this shell name them. For a
    system that `tradespace up` started: run it in the same folder, or name its folder in TRADESPACE_DATABASE_URL. Ends
    with status 1 if anything fails; a warning alone does not.
    """
    from service.cli.checks import examine, shown_settings  # noqa: PLC0415 Celery, for which no other command should wait

    settings = read_settings()
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


COMMANDS: Final = (doctor,)
