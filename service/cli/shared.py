"""What the commands share: settings, the database, what goes to the terminal, exit codes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from service.db import Database
from service.errors import ServiceError
from service.settings import Settings

__all__ = ["console", "database", "json_option", "read_settings", "say", "show_json", "without_password"]

console = Console(highlight=False, soft_wrap=True)

#: The option of every command that has something to say.
json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def read_settings() -> Settings:
    """Return the settings of the environment, or end with the one that is wrong."""
    try:
        return Settings.from_env(os.environ)
    except (ServiceError, OSError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """Open the database that the settings name; what it cannot do ends the command with a sentence."""
    opened = Database(settings.database_url)
    try:
        yield opened
    except ServiceError as error:
        raise click.ClickException(error.message) from error
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        message = f"the database cannot be used: {reason}. Run `tradespace migrate` first."
        raise click.ClickException(message) from error
    finally:
        opened.close()


def say(line: str) -> None:
    """Print a line as it is: brackets in it are no markup."""
    console.print(Text(line))


def show_json(value: Any) -> None:
    """Print `value` as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def without_password(url: str) -> str:
    """Return an address without its password."""
    return make_url(url).render_as_string(hide_password=True)
